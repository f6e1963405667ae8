package history

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
)

// What bbolt writes, in the machine's own byte order (its file format, version 2).
const (
	pageHead      = 16 // id 8, flags 2, count 2, overflow 4
	elementHead   = 16 // of a leaf: flags 4, pos 4, key size 4, value size 4; of a branch: pos 4, key size 4, page 8
	bucketHead    = 16 // root page 8, sequence 8; a root of 0 is followed by the bucket's only page
	metaSize      = 64 // magic 4, version 4, page size 4, flags 4, bucket 16, free list 8, pages 8, transaction 8, checksum 8
	metaMagic     = 0xED0CDAED
	metaVersion   = 2
	flagBranch    = 0x01
	flagLeaf      = 0x02
	flagFreelist  = 0x10
	elementBucket = 0x01 // flag of a leaf's element whose value is a bucket
	manyFree      = 0xFFFF
	noFreelist    = ^uint64(0)
)

var order = binary.NativeEndian

// checkPages looks at every page that bbolt could come to in the text of a file, without
// bbolt: its own check runs in a goroutine of its own, where a page number that leads
// beyond the file, or in a circle, ends the program and not the check.
func checkPages(text []byte) error {
	w, err := newestWalk(text)
	if err != nil {
		return err
	}
	if err := w.bucket(order.Uint64(w.meta[16:])); err != nil {
		return err
	}
	return w.freelist(order.Uint64(w.meta[32:]))
}

// walk is the way through one file.
type walk struct {
	text, meta []byte
	size       uint64 // of a page
	pages      uint64 // that there are
	seen       map[uint64]bool
}

// newestWalk begins at the newer of the two meta pages that are whole, as bbolt does.
func newestWalk(text []byte) (*walk, error) {
	var newest *walk
	for _, size := range []uint64{0, pageSizeOf(text)} { // the first page is at 0 whatever the size
		if size+pageHead+metaSize > uint64(len(text)) {
			continue
		}
		meta := text[size+pageHead : size+pageHead+metaSize]
		sum := fnv.New64a()
		sum.Write(meta[:metaSize-8])
		if order.Uint32(meta) != metaMagic || order.Uint32(meta[4:]) != metaVersion || sum.Sum64() != order.Uint64(meta[metaSize-8:]) {
			continue
		}
		if newest == nil || order.Uint64(meta[48:]) > order.Uint64(newest.meta[48:]) {
			newest = &walk{text: text, meta: meta, size: uint64(order.Uint32(meta[8:])), pages: order.Uint64(meta[40:]), seen: map[uint64]bool{0: true, 1: true}}
		}
	}
	switch {
	case newest == nil:
		return nil, errors.New("neither of its first two pages is whole")
	case newest.size < pageHead+metaSize || newest.pages > uint64(len(text))/newest.size:
		return nil, fmt.Errorf("it says that it has %d pages of %d bytes, and is %d bytes long", newest.pages, newest.size, len(text))
	}
	return newest, nil
}

// pageSizeOf returns the size of a page, by the first that a meta page could begin at
// after the first one.
func pageSizeOf(text []byte) uint64 {
	for size := uint64(512); size <= 64<<10; size *= 2 {
		at := size + pageHead
		if at+metaSize <= uint64(len(text)) && order.Uint32(text[at:]) == metaMagic && uint64(order.Uint32(text[at+8:])) == size {
			return size
		}
	}
	return uint64(len(text)) // there is no second one
}

// page takes a page, once, and returns it with what overflows from it.
func (w *walk) page(id uint64) ([]byte, error) {
	if id < 2 || id >= w.pages {
		return nil, fmt.Errorf("page %d is none of its %d", id, w.pages)
	}
	page := w.text[id*w.size:]
	count := 1 + uint64(order.Uint32(page[12:]))
	if order.Uint64(page) != id || count > w.pages-id {
		return nil, fmt.Errorf("page %d is damaged", id)
	}
	for n := id; n < id+count; n++ {
		if w.seen[n] {
			return nil, fmt.Errorf("page %d is used twice", n)
		}
		w.seen[n] = true
	}
	return page[:count*w.size], nil
}

// bucket goes through the pages of a bucket, from its root downward.
func (w *walk) bucket(id uint64) error {
	page, err := w.page(id)
	if err != nil {
		return err
	}
	if order.Uint16(page[8:]) != flagBranch {
		return w.leaf(id, page)
	}
	count := int(order.Uint16(page[10:]))
	if count == 0 {
		return fmt.Errorf("page %d leads nowhere", id)
	}
	var last []byte
	for n := range count {
		at := pageHead + n*elementHead
		if at+elementHead > len(page) {
			return fmt.Errorf("page %d is damaged", id)
		}
		key, ok := within(page[at:], order.Uint32(page[at:]), order.Uint32(page[at+4:]))
		if !ok || n > 0 && bytes.Compare(key, last) <= 0 {
			return fmt.Errorf("page %d is damaged", id)
		}
		last = key
		if err := w.bucket(order.Uint64(page[at+8:])); err != nil {
			return err
		}
	}
	return nil
}

// leaf looks at the elements of a leaf, and into the buckets among them.
func (w *walk) leaf(id uint64, page []byte) error {
	damaged := fmt.Errorf("page %d is damaged", id)
	var last []byte
	if order.Uint16(page[8:]) != flagLeaf {
		return damaged
	}
	for n := range int(order.Uint16(page[10:])) {
		at := pageHead + n*elementHead
		if at+elementHead > len(page) {
			return damaged
		}
		pos, keySize, valueSize := order.Uint32(page[at+4:]), order.Uint32(page[at+8:]), order.Uint32(page[at+12:])
		key, keyOK := within(page[at:], pos, keySize)
		value, valueOK := within(page[at:], pos+keySize, valueSize)
		if !keyOK || !valueOK || len(key) == 0 || pos+keySize < pos || n > 0 && bytes.Compare(key, last) <= 0 {
			return damaged
		}
		last = key
		if order.Uint32(page[at:])&elementBucket == 0 {
			continue
		}
		if len(value) < bucketHead {
			return damaged
		}
		var err error
		if root := order.Uint64(value); root != 0 {
			err = w.bucket(root)
		} else if inline := value[bucketHead:]; len(inline) < pageHead {
			err = damaged
		} else {
			err = w.leaf(id, inline)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// within returns a part of a text; false where it leads out of it.
func within(text []byte, pos, size uint32) ([]byte, bool) {
	end := uint64(pos) + uint64(size)
	if end > uint64(len(text)) {
		return nil, false
	}
	return text[pos:end], true
}

// freelist looks at the list of free pages: what is written next goes there, so none of
// them may be in use.
func (w *walk) freelist(id uint64) error {
	if id == noFreelist {
		return nil
	}
	page, err := w.page(id)
	if err != nil {
		return err
	}
	count, ids := uint64(order.Uint16(page[10:])), page[pageHead:]
	if count == manyFree {
		count, ids = order.Uint64(ids), ids[8:]
	}
	if order.Uint16(page[8:]) != flagFreelist || count > uint64(len(ids))/8 {
		return fmt.Errorf("page %d, the list of free ones, is damaged", id)
	}
	for n := range count {
		free := order.Uint64(ids[n*8:])
		if free >= w.pages || w.seen[free] {
			return fmt.Errorf("page %d is both free and in use, or none", free)
		}
		w.seen[free] = true
	}
	return nil
}
