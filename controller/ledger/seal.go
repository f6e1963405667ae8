package ledger

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lockstep/lockstep/internal/journal"
)

// sealFile holds the key by which secrets become digests.
const sealFile = "seal"

// sealBytes is the length of the key.
const sealBytes = 32

// Seal returns the key by which secrets become digests in gateways, made on the
// first call ever. Who does not have it learns nothing from a digest. Where it is
// lost, a new one is made, and what bears digests is written once more.
func (s *Store) Seal() ([]byte, error) {
	key, err := Seal(s.dir)
	if key != nil || err != nil {
		return key, err
	}
	key = make([]byte, sealBytes)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("make a seal: %w", err)
	}
	if err := journal.Replace(filepath.Join(s.dir, sealFile), []byte(hex.EncodeToString(key)+"\n")); err != nil {
		return nil, fmt.Errorf("write seal: %w", err)
	}
	return key, nil
}

// Seal returns the key of a state directory for commands that only look; nil when
// it has none yet.
func Seal(dir string) ([]byte, error) {
	path := filepath.Join(dir, sealFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read seal: %w", err)
	}
	key, err := hex.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(key) != sealBytes {
		return nil, fmt.Errorf("%s holds no key; remove the file to get a new one", path)
	}
	return key, nil
}
