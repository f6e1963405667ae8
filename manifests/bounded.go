package manifests

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// readPatience is for what calls itself a regular file and makes its readers wait: some of what
// the kernel shows as files, such as /proc/kmsg.
const readPatience = 5 * time.Second

// readBounded reads a regular file of at most so many bytes; how large it says that it is proves
// nothing. It is looked at before it is opened, for opening a device may do something, and once
// more then, for it may have been replaced.
func readBounded(path string, most int64) (text []byte, err error) {
	info, err := os.Stat(path)
	if err == nil {
		err = checkBounded(path, info, most)
	}
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe waits for a writer
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if info, err = file.Stat(); err == nil {
		err = checkBounded(path, info, most)
	}
	if err != nil {
		return nil, err
	}
	if err := file.SetReadDeadline(time.Now().Add(readPatience)); err != nil && !errors.Is(err, os.ErrNoDeadline) {
		return nil, err
	}
	read := bytes.NewBuffer(make([]byte, 0, info.Size()+bytes.MinRead))
	if _, err := read.ReadFrom(io.LimitReader(file, most+1)); err != nil {
		return nil, err
	}
	if int64(read.Len()) > most {
		return nil, fmt.Errorf("%s has more than %d bytes", path, most)
	}
	return read.Bytes(), nil
}

// checkBounded says why what stands at a path is not to be read.
func checkBounded(path string, info fs.FileInfo, most int64) error {
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is no regular file", path)
	case info.Size() > most:
		return fmt.Errorf("%s has %d bytes, the most is %d", path, info.Size(), most)
	}
	return nil
}
