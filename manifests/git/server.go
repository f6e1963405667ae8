package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	gitssh "github.com/go-git/go-git/v5/plumbing/transport/ssh"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// The bounds of one look at a server.
const (
	maxStuck   = 4 // looks that a server has neither answered nor refused
	cacheBytes = 16 * cache.MiByte
	patience   = 30 * time.Second // for the beginning of an answer over HTTP
	scratchDir = ".git-fetch-"    // what directories for what was fetched begin with
)

// remote is a place that commits come from.
type remote interface {
	// look returns the commit that the ref points to, also with an unfitError about it.
	// When that is another than known, it is handed to read first, with all that is in it.
	look(ctx context.Context, ref, known string, read func(*object.Commit) error) (tip string, err error)
}

// server is a remote that is reached over a network.
type server struct {
	address address
	access  access
	scratch string        // directory for what was fetched
	stuck   chan struct{} // holds one for each look that goes on
	vain    atomic.Value  // of type string: the last wish for a whole history that did not hold the commit
}

func newServer(a address, access access, scratch string) *server {
	return &server{address: a, access: access, scratch: scratch, stuck: make(chan struct{}, maxStuck)}
}

// look implements remote. A server that falls silent is left alone when ctx ends:
// the library waits for some of its words without end.
func (s *server) look(ctx context.Context, ref, known string, read func(*object.Commit) error) (string, error) {
	type answer struct {
		tip string
		err error
	}
	select {
	case s.stuck <- struct{}{}:
	case <-ctx.Done():
		return "", errors.New("the server has not answered for long, and takes further connections")
	}
	answered := make(chan answer, 1)
	go func() {
		defer func() { <-s.stuck }()
		var a answer
		a.err = safely(func() (err error) {
			a.tip, err = s.ask(ctx, ref, known, read)
			return err
		})
		answered <- a
	}()
	select {
	case a := <-answered:
		return a.tip, a.err
	case <-ctx.Done():
		return "", fmt.Errorf("the server did not answer in time: %w", context.Cause(ctx))
	}
}

// safely calls what reads a stranger's words with a library: a defect of it must not
// end the daemon, which has other things to do.
func safely(do func() error) (err error) {
	defer func() {
		if defect := recover(); defect != nil {
			err = fmt.Errorf("the repository can't be read: %v", defect)
		}
	}()
	return do()
}

// ask is look without patience.
func (s *server) ask(ctx context.Context, ref, known string, read func(*object.Commit) error) (tip string, err error) {
	if isID(ref) && ref == known { // it can't have become another
		return known, nil
	}
	session, err := s.session()
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	offered, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return "", err
	}
	w, err := find(offered, ref)
	if err != nil || w.commit.String() == known {
		return w.commit.String(), err
	}
	if w.history && s.vain.Load() == w.String() { // nothing was pushed since
		return "", noSuchCommit(w.commit)
	}
	dir, err := os.MkdirTemp(s.scratch, scratchDir)
	if err != nil {
		return "", fmt.Errorf("make room for what is fetched: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	objects := filesystem.NewStorage(osfs.New(dir), cache.NewObjectLRU(cacheBytes))
	defer func() { err = errors.Join(err, objects.Close()) }()
	if err := fetch(ctx, session, offered, w, dir, objects); err != nil {
		return w.commit.String(), fmt.Errorf("fetch %s: %w", short(w.commit.String()), w.explain(err))
	}
	found, err := w.read(objects)
	if _, none := errors.AsType[noCommitError](err); none && w.history {
		s.vain.Store(w.String())
	}
	if err != nil {
		return "", err
	}
	if ctx.Err() != nil { // nobody waits for it any more
		return "", context.Cause(ctx)
	}
	return found.Hash.String(), read(found)
}

// session opens a connection to the server.
func (s *server) session() (transport.UploadPackSession, error) {
	endpoint := *s.address.endpoint // it is changed where a server leads elsewhere
	if s.address.scheme == overSSH {
		auth, err := s.access.ssh(&endpoint)
		if err != nil {
			return nil, err
		}
		return gitssh.NewClient(nil).NewUploadPackSession(&endpoint, auth)
	}
	auth, roots, err := s.access.http(&endpoint)
	if err != nil {
		return nil, err
	}
	calls, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("the HTTP client of this program was replaced")
	}
	calls = calls.Clone()
	calls.DisableKeepAlives = true // a minute lies between two looks
	calls.ResponseHeaderTimeout = patience
	if roots != nil {
		calls.TLSClientConfig = roots
	}
	return githttp.NewClient(&http.Client{Transport: calls}).NewUploadPackSession(&endpoint, auth)
}

// fetch gets what is wished for and all that hangs on it. dir is a place for files.
func fetch(ctx context.Context, session transport.UploadPackSession, offered *packp.AdvRefs, w wish, dir string, into storer.Storer) (err error) {
	request := packp.NewUploadPackRequestFromCapabilities(offered.Capabilities)
	request.Wants = w.objects
	if !w.history && offered.Capabilities.Supports(capability.Shallow) {
		request.Depth = packp.DepthCommits(1)
		if err := request.Capabilities.Set(capability.Shallow); err != nil {
			return err
		}
	}
	if offered.Capabilities.Supports(capability.NoProgress) {
		if err := request.Capabilities.Set(capability.NoProgress); err != nil {
			return err
		}
	}
	answer, err := session.UploadPack(ctx, request)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, answer.Close()) }()
	var pack io.Reader = answer
	switch {
	case request.Capabilities.Supports(capability.Sideband64k):
		pack = sideband.NewDemuxer(sideband.Sideband64k, answer)
	case request.Capabilities.Supports(capability.Sideband):
		pack = sideband.NewDemuxer(sideband.Sideband, answer)
	}
	return store(pack, dir, into)
}

// sweep removes what a process left that was killed while it fetched.
func sweep(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, scratchDir+"*"))
	if err != nil {
		return err
	}
	slices.Sort(left)
	for _, path := range left {
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("remove what an earlier fetch left: %w", err)
		}
	}
	return nil
}
