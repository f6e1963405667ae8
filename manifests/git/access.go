package git

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	gitssh "github.com/go-git/go-git/v5/plumbing/transport/ssh"
	"golang.org/x/crypto/ssh"

	"github.com/lockstep/lockstep/manifests"
)

// userByDefault is who asks where nobody is named: the hosts that many use want a
// token, and any name beside it.
const userByDefault = "git"

// dialing is how long a connection over ssh may take to stand.
const dialing = 15 * time.Second

// access is how to get in. What it refers to is looked up for every connection, so
// that what is replaced is taken without a restart.
type access struct {
	user       string           // over HTTP; "" means the URL's, else "git"
	password   *manifests.Value // or token, or what opens the key; nil: none
	key        *manifests.Value // over ssh
	knownHosts string           // path; "" means ssh's own
	authority  string           // path of certificates that vouch for the server besides the system's; "" means none
}

// http returns who asks, nil for anybody, and whom to believe, nil for the
// system's authorities.
func (a access) http(endpoint *transport.Endpoint) (transport.AuthMethod, *tls.Config, error) {
	var roots *tls.Config
	if a.authority != "" {
		pool, err := x509.SystemCertPool()
		if err != nil {
			return nil, nil, fmt.Errorf("read the system's certificates: %w", err)
		}
		text, err := os.ReadFile(a.authority)
		if err != nil {
			return nil, nil, fmt.Errorf("--git-ca: %w; name a file that the daemon can read", err)
		}
		if !pool.AppendCertsFromPEM(text) {
			return nil, nil, fmt.Errorf("--git-ca %s holds no certificate in PEM", a.authority)
		}
		roots = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	if a.password == nil {
		return nil, roots, nil
	}
	password, err := a.password.Reveal()
	if err != nil {
		return nil, nil, unrevealed("--git-password", err)
	}
	user := cmp.Or(a.user, endpoint.User, userByDefault)
	endpoint.User = "" // it would be sent along by itself
	return &githttp.BasicAuth{Username: user, Password: password.Reveal()}, roots, nil
}

// unrevealed says that what a flag names can't be looked up, and what to do.
func unrevealed(flag string, err error) error {
	return fmt.Errorf("%s: %w; %s, or name another place with %s", flag, err, manifests.SecretRemedy(err), flag)
}

// sshAccess implements the library's interface.
type sshAccess struct{ config *ssh.ClientConfig }

func (sshAccess) Name() string   { return gitssh.PublicKeysName }
func (sshAccess) String() string { return gitssh.PublicKeysName }

// ClientConfig implements gitssh.AuthMethod.
func (a sshAccess) ClientConfig() (*ssh.ClientConfig, error) { return a.config, nil }

// ssh returns who asks, and which hosts are believed to be who they say: those in
// known_hosts and no other.
func (a access) ssh(endpoint *transport.Endpoint) (transport.AuthMethod, error) {
	if a.key == nil {
		return nil, errors.New("there is no key to ask with; name one with --git-ssh-key")
	}
	text, err := a.key.Reveal()
	if err != nil {
		return nil, unrevealed("--git-ssh-key", err)
	}
	signer, err := ssh.ParsePrivateKey([]byte(text.Reveal() + "\n"))
	if _, locked := errors.AsType[*ssh.PassphraseMissingError](err); locked {
		if a.password == nil {
			return nil, errors.New("--git-ssh-key is locked; name where its passphrase stands with --git-password")
		}
		passphrase, err := a.password.Reveal()
		if err != nil {
			return nil, unrevealed("--git-password", err)
		}
		if signer, err = ssh.ParsePrivateKeyWithPassphrase([]byte(text.Reveal()+"\n"), []byte(passphrase.Reveal())); err != nil {
			return nil, errors.New("--git-password does not open --git-ssh-key")
		}
	} else if err != nil {
		return nil, errors.New("--git-ssh-key holds no private key; it is the file without .pub that ssh-keygen made")
	}
	var files []string
	if a.knownHosts != "" {
		files = append(files, a.knownHosts)
	}
	known, err := gitssh.NewKnownHostsDb(files...)
	if err != nil && strings.Contains(err.Error(), "SSH_KNOWN_HOSTS") { // the library's word where it finds no file
		err = fmt.Errorf("%s is not there", cmp.Or(a.knownHosts, "ssh's own known_hosts"))
	}
	if err != nil {
		return nil, fmt.Errorf("nothing says which key %s has: %w; write it into a file that --git-known-hosts names, as ssh-keyscan prints it, once you have compared it", endpoint.Host, err)
	}
	port := endpoint.Port
	if port <= 0 {
		port = gitssh.DefaultPort
	}
	return sshAccess{&ssh.ClientConfig{
		User:              cmp.Or(endpoint.User, userByDefault),
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback:   known.HostKeyCallback(),
		HostKeyAlgorithms: known.HostKeyAlgorithms(net.JoinHostPort(endpoint.Host, strconv.Itoa(port))),
		Timeout:           dialing,
	}}, nil
}
