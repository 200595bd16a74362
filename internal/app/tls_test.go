package app

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"latchkey/internal/config"
	"latchkey/internal/testenv"
	"latchkey/internal/webhook"
)

// pemPair makes a certificate of that name, valid until then, and its key.
func pemPair(t *testing.T, name string, from, until time.Time) (cert, key []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: until, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, of, of, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
}

// tlsRig is ingest that speaks TLS itself, its files and its reload.
type tlsRig struct {
	app       *App
	log       testenv.Buffer
	cert, key string
	hup       chan os.Signal
}

func newTLSRig(t *testing.T, most int) *tlsRig {
	t.Helper()
	dir := t.TempDir()
	r := &tlsRig{cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem"), hup: make(chan os.Signal)}
	r.write(t, pair(pemPair(t, "first", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))))
	environ := []string{"ZOOM_WEBHOOK_SECRET_TOKEN=s", "NATS_URL=nats://127.0.0.1:1", "LATCHKEY_LISTEN=127.0.0.1:0", "LATCHKEY_TLS_CERT=" + r.cert, "LATCHKEY_TLS_KEY=" + r.key}
	cfg, err := config.Load(environ, config.Ingest)
	if err != nil {
		t.Fatal(err)
	}
	if r.app, err = New(Options{Config: cfg, Ingest: true, Logger: slog.New(slog.NewTextHandler(&r.log, nil)), Environ: environ, Reload: r.hup}); err != nil {
		t.Fatal(err)
	}
	if err := r.app.listenIngest(most); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); r.app.reload(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-done
		_ = r.app.ingest.stop(context.Background())
	})
	return r
}

type pemFiles struct{ cert, key []byte }

func pair(cert, key []byte) pemFiles { return pemFiles{cert, key} }

func (r *tlsRig) write(t *testing.T, p pemFiles) {
	t.Helper()
	for file, text := range map[string][]byte{r.cert: p.cert, r.key: p.key} {
		if err := os.WriteFile(file+".new", text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
}

// asked sends SIGHUP and waits until the log says so.
func (r *tlsRig) asked(t *testing.T, words string) {
	t.Helper()
	before := strings.Count(r.log.String(), words)
	r.hup <- syscall.SIGHUP
	testenv.Until(t, words, func() bool { return strings.Count(r.log.String(), words) > before })
}

// dial shakes hands and says whose certificate was shown.
func (r *tlsRig) dial(t *testing.T) (*tls.Conn, string) {
	t.Helper()
	conn, err := tls.Dial("tcp", r.app.IngestAddr(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn, conn.ConnectionState().PeerCertificates[0].Subject.CommonName
}

// post sends an unsigned delivery, which is answered 401.
func post(t *testing.T, conn net.Conn) {
	t.Helper()
	if _, err := io.WriteString(conn, "POST "+webhook.Path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("status %d, want 401", resp.StatusCode)
	}
}

// TestACertificateIsReadAgain without a connection being dropped; a pair that cannot
// be used is refused whole.
func TestACertificateIsReadAgain(t *testing.T) {
	t.Parallel()
	r := newTLSRig(t, 16)
	now := time.Now()
	standing, name := r.dial(t)
	if name != "first" {
		t.Fatalf("certificate of %s", name)
	}
	if got := standing.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
		t.Errorf("speaks %q: connections are bounded by the requests on them", got)
	}
	post(t, standing)

	r.write(t, pair(pemPair(t, "second", now.Add(-time.Hour), now.Add(2*time.Hour))))
	r.asked(t, "holds for new connections")
	post(t, standing) // the one that stood goes on
	if _, name := r.dial(t); name != "second" {
		t.Errorf("certificate of %s after the reload", name)
	}

	cert, key := pemPair(t, "third", now.Add(-time.Hour), now.Add(time.Hour))
	_, otherKey := pemPair(t, "other", now.Add(-time.Hour), now.Add(time.Hour))
	for what, c := range map[string]struct {
		files pemFiles
		says  string
	}{
		"another's key":     {pair(cert, otherKey), "private key does not match"},
		"expired":           {pair(pemPair(t, "old", now.Add(-2*time.Hour), now.Add(-time.Hour))), "expired at"},
		"not valid yet":     {pair(pemPair(t, "new", now.Add(time.Hour), now.Add(2*time.Hour))), "clock right"},
		"half written":      {pair(cert[:len(cert)/2], key), "cannot be used"},
		"no PEM":            {pair([]byte("hello"), key), "cannot be used"},
		"empty":             {pair(nil, key), "is empty"},
		"larger than it is": {pair(make([]byte, mostPEM+1), key), "more than"},
	} {
		r.write(t, c.files)
		r.asked(t, "the certificate was not taken over")
		if !strings.Contains(r.log.String(), c.says) {
			t.Errorf("%s: the log does not say %q", what, c.says)
		}
		if _, name := r.dial(t); name != "second" {
			t.Errorf("%s: certificate of %s", what, name)
		}
	}
	r.write(t, pair(cert, key))
	r.asked(t, "holds for new connections")
	if err := os.Remove(r.key); err != nil {
		t.Fatal(err)
	}
	r.asked(t, "no such file")
	post(t, standing)
	if log := r.log.String(); strings.Contains(log, "PRIVATE KEY") || strings.Contains(log, string(key[40:80])) {
		t.Error("the log quotes a key")
	}

	// Without a signal, when the files changed.
	r.write(t, pair(pemPair(t, "fourth", now.Add(-time.Hour), now.Add(time.Hour))))
	testenv.Until(t, "the changed files are seen", func() bool { _, name := r.dial(t); return name == "fourth" })
}

// TestTLSIsAtLeast12, and what speaks no TLS gets no answer of ingest's.
func TestTLSIsAtLeast12(t *testing.T) {
	t.Parallel()
	r := newTLSRig(t, 16)
	if conn, err := tls.Dial("tcp", r.app.IngestAddr(), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}); err == nil {
		_ = conn.Close()
		t.Error("TLS 1.1 was spoken")
	}
	resp, err := http.Post("http://"+r.app.IngestAddr()+webhook.Path, "application/json", strings.NewReader("{}"))
	if err == nil {
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("plain HTTP: status %d", resp.StatusCode)
		}
	}
}

// TestTLSConnectionsAreBounded as others are: an idle one makes room, and those that
// ended leave none occupied.
func TestTLSConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	r := newTLSRig(t, 1)
	kept, _ := r.dial(t)
	post(t, kept)
	for range 3 {
		conn, _ := r.dial(t)
		post(t, conn)
		_ = conn.Close()
	}
	all, err := r.app.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if n := m.GetMetric()[0].GetCounter().GetValue(); m.GetName() == "latchkey_webhook_connections_closed_total" && n > 2 {
			t.Errorf("%v connections were closed to make room: those that had ended were in the way", n)
		}
	}
	_ = kept.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := kept.Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
		t.Errorf("the idle connection: %v, want it to be closed for the new one", err)
	}
}

// TestACertificateThatCannotBeUsedEndsTheStart with words.
func TestACertificateThatCannotBeUsedEndsTheStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, err := New(Options{Config: config.Config{Listen: "127.0.0.1:0", TLSCert: filepath.Join(dir, "no.pem"), TLSKey: filepath.Join(dir, "no.key"), AccountID: "a", WebhookSecrets: nil}, Ingest: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	a.o.Config.WebhookSecrets = append(a.o.Config.WebhookSecrets, "s")
	if err := a.listenIngest(1); err == nil || !strings.Contains(err.Error(), "LATCHKEY_TLS_CERT") {
		t.Errorf("%v", err)
	}
}
