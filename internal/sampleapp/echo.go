package sampleapp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"strings"
	"time"
)

// echoes serves the ports of ECHO and ECHO_TLS: each connection is told the instance's
// name, and then everything that it says again. Errors of a listener go to failed.
func echoes(instance string, failed chan<- error) error {
	for _, name := range []string{"ECHO", "ECHO_TLS"} {
		for port := range strings.FieldsFuncSeq(os.Getenv(name), func(r rune) bool { return r == ',' }) {
			listener, err := net.Listen("tcp", ":"+port)
			if err != nil {
				return fmt.Errorf("listen on port %s: %w", port, err)
			}
			if name == "ECHO_TLS" {
				certificate, err := selfSigned(instance)
				if err != nil {
					return err
				}
				listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
			}
			go func() { failed <- echo(listener, instance) }()
		}
	}
	return nil
}

func echo(listener net.Listener, instance string) error {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer conn.Close()
			if _, err := fmt.Fprintln(conn, instance); err == nil {
				_, _ = io.Copy(conn, conn) // ends with the client
			}
		}()
	}
}

// selfSigned makes a certificate for one name that nobody trusts.
func selfSigned(name string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
