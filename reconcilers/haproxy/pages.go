package haproxy

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// page is an answer of the operator's own. HAProxy reads a copy in our directory:
// what happens to the original can't keep it from starting.
type page struct {
	file        string // the copy
	contentType string
	text        []byte
}

// pages are the operator's answers by status.
type pages map[int]page

// maxPage fits into HAProxy's buffer beside the answer's head.
const maxPage = 12 << 10

// Which statuses there may be pages for: those that we answer ourselves, and of
// HAProxy's own those that a client gets to see.
var (
	ownStatuses     = []int{400, 404, 414, 500, 503}
	haproxyStatuses = []int{400, 404, 408, 500, 502, 503, 504}
)

// contentTypes are what the endings of pages say.
var contentTypes = map[string]string{".html": "text/html; charset=utf-8", ".json": "application/json", ".txt": "text/plain; charset=utf-8"}

// pagePrefix begins the names of the copies in our directory.
const pagePrefix = "error_"

// readPages reads the pages of a directory, for copies in our own: files named by a status, as
// "404.html" or "503.json". Others are none of our business, but one that looks
// like a page and can't be is an error.
func readPages(dir, own string) (pages, error) {
	if dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("error pages (--haproxy-errors): %w", err)
	}
	all := pages{}
	for _, entry := range entries {
		ending := filepath.Ext(entry.Name())
		status, err := strconv.Atoi(strings.TrimSuffix(entry.Name(), ending))
		if err != nil {
			continue
		}
		path := filepath.Join(dir, entry.Name())
		contentType, known := contentTypes[ending]
		switch {
		case !slices.Contains(ownStatuses, status) && !slices.Contains(haproxyStatuses, status):
			return nil, fmt.Errorf("error page %s: no answer of HAProxy has the status %d; it has 400, 404, 408, 414, 500, 502, 503 and 504", path, status)
		case !known:
			return nil, fmt.Errorf("error page %s: its name ends in none of .html, .json and .txt", path)
		case all[status].text != nil:
			return nil, fmt.Errorf("error page %s: there is another one for %d; keep one of them", path, status)
		}
		text, err := readPage(path)
		if err != nil {
			return nil, fmt.Errorf("error page %s: %w", path, err)
		}
		all[status] = page{contentType: contentType, text: text}
	}
	for status, p := range all {
		// A name for each text: what is loaded keeps its copy while another is tried.
		p.file = filepath.Join(own, pagePrefix+strconv.Itoa(status)+"_"+digest(string(p.text)))
		all[status] = p
	}
	return all, nil
}

func readPage(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("it is no file")
	case info.Size() == 0 || info.Size() > maxPage:
		return nil, fmt.Errorf("it has %d bytes; HAProxy takes 1 to %d", info.Size(), maxPage)
	}
	return os.ReadFile(path)
}

// answer returns the rule that answers with a status: with the page for it, or
// else with a line of text.
func (p pages) answer(status int, text string) string {
	have, ok := p[status]
	if !ok {
		return fmt.Sprintf(`return status %d content-type text/plain string "%s\n"`, status, text)
	}
	return fmt.Sprintf("return status %d content-type %q file %s", status, have.contentType, have.file)
}

// errors returns the lines that replace HAProxy's own answers.
func (p pages) errors() []string {
	var lines []string
	for _, status := range haproxyStatuses {
		if have, ok := p[status]; ok {
			lines = append(lines, fmt.Sprintf("http-error status %d content-type %q file %s", status, have.contentType, have.file))
		}
	}
	return lines
}

// rereadPages takes over what became of the operator's pages. One that can't be
// used is said, and all stay as they were.
func (r *Reconciler) rereadPages() {
	fresh, err := readPages(r.o.Errors, r.o.Dir)
	if err != nil {
		if err.Error() != r.pagesTrouble {
			r.o.Log.Warn("error pages stay as they were", "error", err)
		}
		r.pagesTrouble = err.Error()
		return
	}
	r.pagesTrouble = ""
	r.pages = fresh
	r.base = renderBase(r.o, r.user, fresh, r.taken)
}

// writePages puts the copies there that the sections will name.
func (r *Reconciler) writePages() error {
	for _, status := range slices.Sorted(maps.Keys(r.pages)) {
		have := r.pages[status]
		if err := r.dir.update(filepath.Base(have.file), have.text); err != nil {
			return err
		}
	}
	return nil
}

// sweepPages removes the copies that nothing names any more.
func (r *Reconciler) sweepPages() error {
	left, err := filepath.Glob(r.dir.file(pagePrefix + "*"))
	for _, path := range left {
		if err == nil && !strings.Contains(r.model.base, path) {
			err = r.dir.commit("", filepath.Base(path))
		}
	}
	return err
}

// pagesStamp changes when one of the operator's pages does.
func pagesStamp(dir string) string {
	if dir == "" {
		return ""
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil {
			fmt.Fprintln(&b, entry.Name(), info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String()
}
