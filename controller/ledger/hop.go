package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/journal"
)

// hopFile holds the keys by which Kong and HAProxy know each other, as reconcilers/hop
// writes them. It is a secret, as its mode says.
const hopFile = "kong-haproxy.pem"

// HopPath returns where these keys stand in a state directory.
func HopPath(dir string) string { return filepath.Join(dir, hopFile) }

// Hop returns these keys as they were last saved; nil where there are none.
func Hop(dir string) ([]byte, error) {
	text, err := os.ReadFile(HopPath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the keys of Kong and HAProxy: %w", err)
	}
	return text, nil
}

// SaveHop replaces them in one step; a crash leaves the old or the new.
func (s *Store) SaveHop(text v1.Secret) error {
	if err := journal.Replace(HopPath(s.dir), []byte(text.Reveal())); err != nil {
		return fmt.Errorf("write the keys of Kong and HAProxy: %w", err)
	}
	return nil
}
