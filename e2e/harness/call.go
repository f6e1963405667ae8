package harness

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// Call is a connection to a service that tells its instance's name and then says
// again what it hears.
type Call struct {
	net.Conn
	lines *bufio.Reader
	// Instance is who answered.
	Instance string
	// Shown are the names in the certificate; nil without TLS.
	Shown []string
}

// Dial connects to an address, over TLS where sni is not "", and waits for the
// greeting. The certificate is looked at, not believed.
func Dial(ctx context.Context, address, sni string) (*Call, error) {
	c, err := connect(ctx, address, sni)
	if err != nil {
		return nil, err
	}
	line, err := c.lines.ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s greets nobody: %w", address, err), c.Close())
	}
	c.Instance = strings.TrimSpace(line)
	return c, nil
}

func connect(ctx context.Context, address, sni string) (*Call, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	c := &Call{Conn: conn}
	if sni != "" {
		secure := tls.Client(conn, &tls.Config{ServerName: sni, InsecureSkipVerify: true}) //nolint:gosec // whose it is is the story's question
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("%s at %s: %w", sni, address, err), conn.Close())
		}
		certificate := secure.ConnectionState().PeerCertificates[0]
		c.Conn, c.Shown = secure, append(certificate.DNSNames, certificate.Subject.CommonName)
	}
	c.lines = bufio.NewReader(c.Conn)
	return c, nil
}

// Shows returns the names in the certificate that is shown for a name.
func Shows(ctx context.Context, address, sni string) ([]string, error) {
	c, err := connect(ctx, address, sni)
	if err != nil {
		return nil, err
	}
	return c.Shown, c.Close()
}

// Talk says a word and hears it again.
func (c *Call) Talk() error {
	if err := c.SetDeadline(time.Now().Add(Patience)); err != nil {
		return err
	}
	if _, err := io.WriteString(c, "word\n"); err != nil {
		return err
	}
	again, err := c.lines.ReadString('\n')
	if err == nil && again != "word\n" {
		err = fmt.Errorf("heard %q again", again)
	}
	return err
}

// Ended waits until the other side has ended the connection, and then ends it here.
func (c *Call) Ended() error {
	if err := c.SetDeadline(time.Now().Add(Patience)); err != nil {
		return err
	}
	switch _, err := c.lines.ReadByte(); {
	case err == nil:
		return errors.New("the connection goes on")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("the connection has not ended within %s", Patience)
	}
	_ = c.Close() // it has ended
	return nil
}
