package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
)

// read takes the raw bytes, since the signature is over exactly these. A body
// that is not there in time is torn, and its connection is of no more use.
func (h *Handler) read(c *gin.Context) ([]byte, bool) {
	if c.Request.ContentLength > MaxBody {
		h.tooLarge(c)
		return nil, false
	}
	// A real clock, whatever Options.Now says: the deadline is the connection's.
	// Where deadlines cannot be set there is no connection to be slow.
	conn := http.NewResponseController(c.Writer)
	_ = conn.SetReadDeadline(time.Now().Add(readWithin))
	from := &metered{from: http.MaxBytesReader(c.Writer, c.Request.Body, MaxBody), all: &h.unread, most: int64(h.o.MostAtOnce) * MaxBody}
	defer from.release()
	body, err := io.ReadAll(from)
	var large *http.MaxBytesError
	switch {
	case errors.Is(err, errTooMuch):
		h.overload(c)
		return nil, false
	case errors.As(err, &large):
		h.tooLarge(c)
		return nil, false
	case err != nil:
		// Cut off on the way: whoever sent it, a retry may arrive whole. The
		// deadline stays, or the server would wait for the rest.
		h.stranger("a request's body ended early or came too slowly", "error", err, "remote", c.ClientIP())
		h.answer(c, http.StatusServiceUnavailable, resultTorn, "the body ended early, try again")
		return nil, false
	}
	_ = conn.SetReadDeadline(time.Time{}) // or it would look as if the caller hung up
	return body, true
}

var errTooMuch = errors.New("too much is held of bodies that are not read to their end")

// metered counts what it reads into what all of its kind hold.
type metered struct {
	from io.Reader
	all  *atomic.Int64
	most int64
	held int64
}

func (m *metered) Read(p []byte) (int, error) {
	n, err := m.from.Read(p)
	m.held += int64(n)
	if m.all.Add(int64(n)) > m.most {
		return n, errTooMuch
	}
	return n, err
}

func (m *metered) release() { m.all.Add(-m.held) }

func (h *Handler) tooLarge(c *gin.Context) {
	h.stranger("a request was refused: its body is larger than 1 MiB", "remote", c.ClientIP())
	h.answer(c, http.StatusRequestEntityTooLarge, resultTooLarge, "the body is larger than 1 MiB")
}

// bodyID is the event's identity. Zoom documents no id that stays the same
// across its retries (FACTS section 1 [U]); the body does.
func bodyID(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// headerValue gives a header that is safe to pass on and to log: at most 256
// printable ASCII characters, else nothing.
func headerValue(h http.Header, key string) string {
	v := h.Get(key)
	if len(v) > 256 || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) {
		return ""
	}
	return v
}
