package haproxy

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/digest"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
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

// readPages reads the pages of a directory, for copies in our own: files named by a status, as
// "404.html" or "503.json". Others are none of our business, but one that looks
// like a page and can't be is named by a problem; then the status keeps the page that it
// had before, if any. Of several for one status the first by name counts.
func readPages(dir, own string, before pages) (pages, []v1.Problem) {
	if dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return before, []v1.Problem{pageProblem(dir, fmt.Sprintf("its pages can't be read: %v", err), "name a directory that can be read with --haproxy-errors")}
	}
	all := pages{}
	var problems []v1.Problem
	for _, entry := range entries {
		ending := filepath.Ext(entry.Name())
		status, err := strconv.Atoi(strings.TrimSuffix(entry.Name(), ending))
		if err != nil {
			continue
		}
		path := filepath.Join(dir, entry.Name())
		contentType, known := contentTypes[ending]
		answers := slices.Contains(ownStatuses, status) || slices.Contains(haproxyStatuses, status)
		_, taken := all[status]
		switch {
		case !answers:
			problems = append(problems, pageProblem(path, fmt.Sprintf("no answer of HAProxy has the status %d", status),
				"name it by one that it has: 400, 404, 408, 414, 500, 502, 503 or 504"))
		case !known:
			problems = append(problems, pageProblem(path, "its name ends in none of .html, .json and .txt", "rename it"))
		case taken:
			problems = append(problems, pageProblem(path, fmt.Sprintf("there is another page for %d, which counts", status), "keep one of them"))
		default:
			text, err := readPage(path)
			if err != nil {
				problems = append(problems, pageProblem(path, fmt.Sprintf("the page can't be used: %v", err), "mend it, or remove it"))
				if last, had := before[status]; had {
					all[status] = last
				}
				continue
			}
			// A name for each text: what is loaded keeps its copy while another is tried.
			file := filepath.Join(own, disk.PagePrefix+strconv.Itoa(status)+"_"+digest.Of(string(text)))
			all[status] = page{file: file, contentType: contentType, text: text}
		}
	}
	return all, problems
}

// pageProblem names what is wrong with a file.
func pageProblem(path, message, fix string) v1.Problem {
	return notice("haproxy-errors", v1.Origin{File: path}, v1.InvalidManifest, message, fix)
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

// rereadPages takes over what became of the operator's pages.
func (r *Reconciler) rereadPages() {
	r.pages, r.pageNotices = readPages(r.o.Errors, r.o.Dir, r.pages)
	r.rebase()
}

// writePages puts the copies there that the sections will name.
func (r *Reconciler) writePages() error {
	for _, status := range slices.Sorted(maps.Keys(r.pages)) {
		have := r.pages[status]
		if err := r.dir.Update(filepath.Base(have.file), have.text); err != nil {
			return err
		}
	}
	return nil
}

// sweepPages removes the copies that nothing names any more.
func (r *Reconciler) sweepPages() error {
	left, err := filepath.Glob(r.dir.File(disk.PagePrefix + "*"))
	for _, path := range left {
		if err == nil && !strings.Contains(r.model.base, path) {
			err = r.dir.Remove(filepath.Base(path))
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
