package git

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

// How keys and signatures of the two sorts begin, and what signatures of git are for.
const (
	beginPGP     = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
	endPGP       = "-----END PGP PUBLIC KEY BLOCK-----"
	beginSSH     = "-----BEGIN SSH SIGNATURE-----"
	sshNamespace = "git"
	maxKeys      = 4 << 20 // bytes
)

// signers are those whose signed commits are taken.
type signers struct {
	pgp []string // armored keys
	ssh []ssh.PublicKey
	sum string // tells these signers from others
}

// readSigners reads a file of keys: OpenPGP public keys in armor, and public keys
// of ssh, a line each, as they stand in a .pub file or in git's allowed_signers.
func readSigners(path string) (signers, error) {
	from, err := os.Open(path)
	if err != nil {
		return signers{}, err
	}
	text, err := io.ReadAll(io.LimitReader(from, maxKeys+1))
	if err = errors.Join(err, from.Close()); err != nil {
		return signers{}, err
	}
	if len(text) > maxKeys {
		return signers{}, fmt.Errorf("%s has more than %d MiB", path, maxKeys>>20)
	}
	sum := sha256.Sum256(text)
	s := signers{sum: hex.EncodeToString(sum[:])}
	rest := string(text)
	for {
		begin := strings.Index(rest, beginPGP)
		if begin < 0 {
			break
		}
		length := strings.Index(rest[begin:], endPGP)
		if length < 0 {
			return signers{}, fmt.Errorf("%s holds an OpenPGP key without an end", path)
		}
		block := rest[begin : begin+length+len(endPGP)]
		if _, err := openpgp.ReadArmoredKeyRing(strings.NewReader(block)); err != nil {
			return signers{}, fmt.Errorf("%s holds an OpenPGP key that can't be read: %w", path, err)
		}
		s.pgp = append(s.pgp, block)
		rest = rest[:begin] + rest[begin+length+len(endPGP):]
	}
	for line := range strings.Lines(rest) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		key, _, options, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil || slices.ContainsFunc(options, isOption) {
			return signers{}, fmt.Errorf("%s holds a line that is no public key of ssh, or one with options, which are not followed; write: NAME ssh-ed25519 AAAA…", path)
		}
		s.ssh = append(s.ssh, key)
	}
	if len(s.pgp)+len(s.ssh) == 0 {
		return signers{}, fmt.Errorf("%s holds no key; write into it what gpg --armor --export, or a .pub file of ssh, says", path)
	}
	return s, nil
}

// isOption tells an option of a key from whom it is of, which stands in the same place.
// One that is not followed would let the key do more than it was meant for.
func isOption(word string) bool {
	return word == "cert-authority" || strings.Contains(word, "=")
}

// check returns nil when one of the signers has signed the commit, and otherwise why
// it is not taken.
func (s signers) check(commit *object.Commit) error {
	switch signature := strings.TrimSpace(commit.PGPSignature); {
	case signature == "":
		return errors.New("it is not signed")
	case strings.HasPrefix(signature, beginSSH):
		return s.checkSSH(commit, signature)
	}
	var last error
	for _, key := range s.pgp {
		if _, last = commit.Verify(key); last == nil {
			return nil
		}
	}
	if last == nil {
		return errors.New("it is signed with OpenPGP, and only keys of ssh are taken")
	}
	return fmt.Errorf("no key that is taken has signed it: %w", last)
}

// checkSSH is check of a signature by ssh.
func (s signers) checkSSH(commit *object.Commit, armored string) error {
	signature, err := sshsig.Unarmor([]byte(armored))
	if err != nil {
		return errors.New("its signature can't be read")
	}
	unsigned := &plumbing.MemoryObject{}
	if err := commit.EncodeWithoutSignature(unsigned); err != nil {
		return fmt.Errorf("its signature can't be checked: %w", err)
	}
	from, err := unsigned.Reader()
	if err != nil {
		return fmt.Errorf("its signature can't be checked: %w", err)
	}
	text, err := io.ReadAll(from)
	if err = errors.Join(err, from.Close()); err != nil {
		return fmt.Errorf("its signature can't be checked: %w", err)
	}
	for _, key := range s.ssh {
		if bytes.Equal(key.Marshal(), signature.PublicKey.Marshal()) {
			if err := sshsig.Verify(bytes.NewReader(text), signature, key, signature.HashAlgorithm, sshNamespace); err != nil {
				return errors.New("its signature is not one of what it says")
			}
			return nil
		}
	}
	return fmt.Errorf("it is signed with the key %s, which is none of those that are taken", ssh.FingerprintSHA256(signature.PublicKey))
}
