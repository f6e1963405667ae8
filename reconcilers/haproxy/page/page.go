// Package page reads the operator's own pages for errors.
//
// In: the operator's directory. Out: the answers that HAProxy is to give with them, and the
// copies in our directory that it reads: what happens to an original can't keep HAProxy
// from starting.
package page

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/digest"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
)

// Copy is our copy of one of the operator's pages.
type Copy struct {
	File        string // its path
	contentType string
	Text        []byte
}

// Set are copies by the status that each is for.
type Set map[int]Copy

// Limit is the most bytes that a page may have: it fits into HAProxy's buffer beside the answer's head.
const Limit = 12 << 10

// Which statuses there may be pages for: those that we answer ourselves, and of
// HAProxy's own those that a client gets to see.
var (
	ownStatuses     = []int{400, 404, 414, 500, 503}
	haproxyStatuses = []int{400, 404, 408, 500, 502, 503, 504}
)

// contentTypes are what the endings of pages say.
var contentTypes = map[string]string{".html": "text/html; charset=utf-8", ".json": "application/json", ".txt": "text/plain; charset=utf-8"}

// Read reads the pages of a directory, for copies in our own: files named by a status, as
// "404.html" or "503.json". Others are none of our business, but one that looks
// like a page and can't be is named by a problem; then the status keeps the page that it
// had before, if any. Of several for one status the first by name counts.
func Read(dir, own string, before Set) (Set, []v1.Problem) {
	if dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return before, []v1.Problem{problem(dir, fmt.Sprintf("its pages can't be read: %v", err), "name a directory that can be read with --haproxy-errors")}
	}
	all := Set{}
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
			problems = append(problems, problem(path, fmt.Sprintf("no answer of HAProxy has the status %d", status),
				"name it by one that it has: 400, 404, 408, 414, 500, 502, 503 or 504"))
		case !known:
			problems = append(problems, problem(path, "its name ends in none of .html, .json and .txt", "rename it"))
		case taken:
			problems = append(problems, problem(path, fmt.Sprintf("there is another page for %d, which counts", status), "keep one of them"))
		default:
			text, err := readPage(path)
			if err != nil {
				problems = append(problems, problem(path, fmt.Sprintf("the page can't be used: %v", err), "mend it, or remove it"))
				if last, had := before[status]; had {
					all[status] = last
				}
				continue
			}
			// A name for each text: what is loaded keeps its copy while another is tried.
			file := filepath.Join(own, disk.PagePrefix+strconv.Itoa(status)+"_"+digest.Of(string(text)))
			all[status] = Copy{File: file, contentType: contentType, Text: text}
		}
	}
	return all, problems
}

// problem names what is wrong with a file.
func problem(path, message, fix string) v1.Problem {
	return v1.Problem{
		Reason: v1.InvalidManifest, Gateway: v1.HAProxy, Object: v1.Key{Kind: v1.KindConfig, Name: "haproxy-errors"},
		Origin: v1.Origin{File: path}, Message: message, Fix: fix,
	}
}

func readPage(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("it is no file")
	case info.Size() == 0 || info.Size() > Limit:
		return nil, fmt.Errorf("it has %d bytes; HAProxy takes 1 to %d", info.Size(), Limit)
	}
	return os.ReadFile(path)
}

// Answer returns the rule that answers with a status: with the page for it, or
// else with a line of text.
func (p Set) Answer(status int, text string) string {
	have, ok := p[status]
	if !ok {
		return fmt.Sprintf(`return status %d content-type text/plain string "%s\n"`, status, text)
	}
	return fmt.Sprintf("return status %d content-type %q file %s", status, have.contentType, have.File)
}

// Errors returns the lines that replace HAProxy's own answers.
func (p Set) Errors() []string {
	var lines []string
	for _, status := range haproxyStatuses {
		if have, ok := p[status]; ok {
			lines = append(lines, fmt.Sprintf("http-error status %d content-type %q file %s", status, have.contentType, have.File))
		}
	}
	return lines
}

// Stamp changes when one of the operator's pages does.
func Stamp(dir string) string {
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
