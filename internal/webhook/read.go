package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// read returns the raw bytes, since the signature is over exactly these
// (Z-HOOK-5); done gives their room back. A body that does not arrive in time
// counts as torn, and its connection is of no more use. Until it has arrived it
// holds nothing but the bytes that came: however many bodies trickle in, they are
// in nobody's way.
func (h *Handler) read(c *gin.Context) (raw []byte, done func(), ok bool) {
	if c.Request.ContentLength > MaxBody {
		h.tooLarge(c)
		return nil, nil, false
	}
	// A real clock, whatever Options.Now says: the deadline is the connection's.
	// Where deadlines cannot be set there is no connection to be slow.
	conn := http.NewResponseController(c.Writer)
	_ = conn.SetReadDeadline(time.Now().Add(readWithin))
	b := h.room.open(http.MaxBytesReader(c.Writer, c.Request.Body, MaxBody), func() error { return conn.SetReadDeadline(time.Now()) })
	defer func() {
		if !ok {
			b.release()
		}
	}()
	raw, err := io.ReadAll(b)
	whole := b.arrived()
	if err != nil {
		b.release() // before the answer, which may take a while
	}
	var large *http.MaxBytesError
	switch {
	case !whole:
		h.stranger("request body ended: it came slowly, and too much is held of other bodies", "remote", c.ClientIP())
		h.answer(c, http.StatusServiceUnavailable, resultDisplaced, "overloaded, try again")
		return nil, nil, false
	case errors.As(err, &large):
		h.tooLarge(c)
		return nil, nil, false
	case err != nil:
		// Cut off on the way: whoever sent it, a retry may arrive whole. The
		// deadline stays, or the server would wait for the rest.
		h.stranger("request body ended early or came too slowly", "error", err, "remote", c.ClientIP())
		h.answer(c, http.StatusServiceUnavailable, resultTorn, "the body ended early, try again")
		return nil, nil, false
	}
	_ = conn.SetReadDeadline(time.Time{}) // or it would look as if the caller hung up
	return raw, b.release, true
}

func (h *Handler) tooLarge(c *gin.Context) {
	h.stranger("rejected request: body larger than 1 MiB", "remote", c.ClientIP())
	h.answer(c, http.StatusRequestEntityTooLarge, resultTooLarge, "the body is larger than 1 MiB")
}

// bodyID is the event's identity. The body is the same in every retry and every
// subscription (Z-HOOK-11); the request id is documented to be so across retries
// in one place only (Z-HOOK-9).
// EventID is the id of an event: of its body, and where that does not say when it happened,
// of stamp too, since two such events may have the same body.
func EventID(body []byte, hasTime bool, stamp string) string {
	id := bodyID(body)
	if !hasTime {
		id = bodyID([]byte(id + "\n" + stamp + "\n"))
	}
	return id
}

func bodyID(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// headerValue returns a header that is safe to pass on and to log: at most 256
// printable ASCII characters, else "".
func headerValue(h http.Header, key string) string {
	v := h.Get(key)
	if len(v) > 256 || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) {
		return ""
	}
	return v
}
