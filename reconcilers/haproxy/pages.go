package haproxy

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/page"
)

// rereadPages takes over what became of the operator's pages.
func (r *Reconciler) rereadPages() {
	r.pages, r.pageNotices = page.Read(r.o.Errors, r.o.Dir, r.pages)
	r.rebase()
}

// writePages puts the copies there that the sections will name.
func (r *Reconciler) writePages() error {
	for _, status := range slices.Sorted(maps.Keys(r.pages)) {
		have := r.pages[status]
		if err := r.dir.Update(filepath.Base(have.File), have.Text); err != nil {
			return err
		}
	}
	return nil
}

// sweepPages removes the copies that nothing names any more.
func (r *Reconciler) sweepPages() error {
	left, err := filepath.Glob(r.dir.File(disk.PagePrefix + "*"))
	for _, path := range left {
		if err == nil && !strings.Contains(r.model.Base(), path) {
			err = r.dir.Remove(filepath.Base(path))
		}
	}
	return err
}
