package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
)

// read takes the raw bytes, since the signature is over exactly these.
func (h *Handler) read(c *gin.Context) ([]byte, bool) {
	if c.Request.ContentLength > MaxBody {
		h.tooLarge(c)
		return nil, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, MaxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		h.tooLarge(c)
		return nil, false
	case err != nil:
		// Cut off on the way: whoever sent it, a retry may arrive whole.
		h.o.Logger.Warn("a request's body ended early", "error", err, "remote", c.ClientIP())
		h.answer(c, http.StatusServiceUnavailable, resultTorn, "the body ended early, try again")
		return nil, false
	}
	return body, true
}

func (h *Handler) tooLarge(c *gin.Context) {
	h.o.Logger.Warn("a request was refused: its body is larger than 1 MiB", "remote", c.ClientIP())
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
