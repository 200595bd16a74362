package app

import (
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// certificate is what ingest shows where it speaks TLS itself. It is exchanged while
// connections stand: each handshake takes the one of its moment.
type certificate struct {
	certFile, keyFile string
	now               atomic.Pointer[tls.Certificate]

	// reload's alone
	sum    [sha256.Size]byte // of the files that now was read from
	said   string            // the last problem
	logged bool              // and it was logged
}

// newCertificate reads the pair; what is wrong with it ends the start.
func newCertificate(certFile, keyFile string) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile}
	pair, sum, err := c.read()
	if err != nil {
		return nil, err
	}
	c.now.Store(pair)
	c.sum = sum
	return c, nil
}

// look reads the files again. changed: another pair holds from now on. An error: the
// pair cannot be used, and the one before goes on.
func (c *certificate) look() (changed bool, err error) {
	pair, sum, err := c.read()
	if err != nil || sum == c.sum {
		return false, err
	}
	c.now.Store(pair)
	c.sum = sum
	return true, nil
}

func (c *certificate) read() (*tls.Certificate, [sha256.Size]byte, error) {
	none := [sha256.Size]byte{}
	cert, err := readPEM("LATCHKEY_TLS_CERT", c.certFile)
	if err != nil {
		return nil, none, err
	}
	key, err := readPEM("LATCHKEY_TLS_KEY", c.keyFile)
	if err != nil {
		return nil, none, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil { // crypto/tls's errors quote nothing of the files
		return nil, none, fmt.Errorf("certificate %s with key %s cannot be used: %w", c.certFile, c.keyFile, err)
	}
	switch now := time.Now(); {
	case now.After(pair.Leaf.NotAfter):
		return nil, none, fmt.Errorf("certificate %s expired at %s: put a new one there", c.certFile, pair.Leaf.NotAfter.Format(time.RFC3339))
	case now.Before(pair.Leaf.NotBefore):
		return nil, none, fmt.Errorf("certificate %s is valid from %s on only: is this machine's clock right?", c.certFile, pair.Leaf.NotBefore.Format(time.RFC3339))
	}
	return &pair, sha256.Sum256(append(append(cert, 0), key...)), nil
}

// mostPEM is more than any chain needs.
const mostPEM = 1 << 20

func readPEM(key, file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, mostPEM+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", key, err)
	case len(b) > mostPEM:
		return nil, fmt.Errorf("%s: %s holds more than %d bytes: want a PEM file", key, file, mostPEM)
	case len(b) == 0:
		return nil, fmt.Errorf("%s: %s is empty: want a PEM file", key, file)
	}
	return b, nil
}

// secure makes a server speak TLS with it. HTTP/2 stays off: connections are bounded
// by the requests on them (webhook.Limit), of which HTTP/2 has many at once, and Zoom
// has no use for it.
func (c *certificate) secure(s *http.Server) {
	s.TLSConfig = &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.now.Load(), nil },
	}
	s.Protocols = new(http.Protocols)
	s.Protocols.SetHTTP1(true)
}

// lookAtCertificate takes a changed certificate over and says so, or why not: at once
// when asked, else when it is so twice, for the two files may be written one after the
// other.
func (a *App) lookAtCertificate(asked bool) {
	c := a.certificate
	if c == nil {
		return
	}
	changed, err := c.look()
	switch {
	case err != nil:
		again := err.Error() == c.said
		c.said = err.Error()
		if asked || again && !c.logged {
			c.logged = true
			a.log.Error("the certificate was not taken over; the one before goes on", "error", err, "not_after", c.now.Load().Leaf.NotAfter)
		}
	default:
		c.said, c.logged = "", false
		if changed {
			a.log.Info("the certificate was read again and holds for new connections", "file", c.certFile, "not_after", c.now.Load().Leaf.NotAfter)
		}
	}
}
