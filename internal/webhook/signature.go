package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/internal/secret"
)

// Zoom's headers (Z-HOOK-2).
const (
	headerSignature   = "X-Zm-Signature"
	headerTimestamp   = "X-Zm-Request-Timestamp"
	headerRequestID   = "X-Zm-Request-Id"
	headerTraceParent = "Traceparent"
)

func checkSecrets(secrets []Secret) error {
	if len(secrets) == 0 {
		return errors.New("no webhook secret token is set")
	}
	for _, s := range secrets {
		if strings.TrimSpace(s.Value.Reveal()) == "" {
			return errors.New("a webhook secret token is empty")
		}
	}
	return nil
}

const signaturePrefix = "v0="

// maxTimestamp is how many digits a timestamp may have: nanoseconds have 19.
const maxTimestamp = 20

// verifier checks signatures, one request at a time. It keeps its keyed hashes
// and buffers, so that a check allocates nothing, however large the body is.
type verifier struct {
	macs      []hash.Hash // one for each secret, in the order of Options.Secrets
	head      [len("v0:") + maxTimestamp + len(":")]byte
	given     [2 * sha256.Size]byte
	want, sum [sha256.Size]byte
}

func newVerifier(secrets []Secret) *verifier {
	v := &verifier{}
	for _, s := range secrets {
		v.macs = append(v.macs, hmac.New(sha256.New, []byte(s.Value.Reveal())))
	}
	return v
}

// verify returns the index of the secret that the signature was made with, or
// -1 (Z-HOOK-4). Every secret is tried, whichever matches, so the time taken
// reveals nothing. The age of the time stamp does not matter: Zoom's retries run
// for 85 minutes (Z-HOOK-8) and it is not documented whether they are signed
// again (Z-HOOK-10); replays are harmless, since an event is recorded once.
func (v *verifier) verify(timestamp, signature string, body []byte) int {
	given, ok := strings.CutPrefix(signature, signaturePrefix)
	if !ok || !isTimestamp(timestamp) || len(given) != len(v.given) {
		return -1
	}
	copy(v.given[:], given)
	if _, err := hex.Decode(v.want[:], v.given[:]); err != nil {
		return -1
	}
	head := append(append(append(v.head[:0], "v0:"...), timestamp...), ':')
	match := -1
	for i, mac := range v.macs {
		mac.Reset()
		mac.Write(head)
		mac.Write(body)
		if hmac.Equal(mac.Sum(v.sum[:0]), v.want[:]) {
			match = i
		}
	}
	return match
}

// isTimestamp: digits alone (Z-HOOK-3). With anything else, a colon above all, a
// captured signature would fit other bodies: what is signed is v0:TIMESTAMP:BODY.
func isTimestamp(s string) bool {
	return s != "" && len(s) <= maxTimestamp && strings.Trim(s, "0123456789") == ""
}

// signatureProblem says what was wrong, for whoever sets the endpoint up.
func signatureProblem(h http.Header) string {
	switch {
	case h.Get(headerSignature) == "":
		return "header x-zm-signature is missing"
	case h.Get(headerTimestamp) == "":
		return "header x-zm-request-timestamp is missing"
	case !isTimestamp(h.Get(headerTimestamp)):
		return "x-zm-request-timestamp is not digits, at most 20"
	case !strings.HasPrefix(h.Get(headerSignature), signaturePrefix):
		return "x-zm-signature does not begin with v0="
	}
	return "computed with a different secret token or over a different body: compare ZOOM_WEBHOOK_SECRET_TOKEN with the app's Secret Token, and make sure that no proxy rewrites the body"
}

// plainToken is the form of what is signed for whoever asks. Zoom's tokens are 16
// random bytes in base64url, 22 letters; hex, a UUID and padding would pass as well.
// No text that means anything when signed does: that has colons or braces.
var plainToken = regexp.MustCompile(`^[A-Za-z0-9+/_-]{16,64}={0,2}$`)

// validate answers Zoom's endpoint.url_validation with the secret that signed
// it (Z-HOOK-13). It returns whether that was one.
func (h *Handler) validate(c *gin.Context, token string, key secret.String) bool {
	if !plainToken.MatchString(token) {
		const problem = "payload.plainToken is not a token: want 16 to 64 letters, digits, - or _, as Zoom sends"
		h.stranger("rejected URL validation: " + problem)
		h.answer(c, http.StatusBadRequest, resultBadToken, problem)
		return false
	}
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write([]byte(token))
	h.o.Metrics.count(resultValidation)
	h.o.Logger.Info("Zoom validated the webhook URL")
	c.JSON(http.StatusOK, gin.H{"plainToken": token, "encryptedToken": hex.EncodeToString(mac.Sum(nil))})
	return true
}

// noteWithin bounds passing on that the URL was validated: Zoom's answer waits for it.
const noteWithin = 500 * time.Millisecond

// note passes it on that Zoom validated the URL, for whoever watches whether it still
// does. That is no part of the answer: where it cannot be, or many deliveries are on
// their way, the next validation is noted.
func (h *Handler) note(ctx context.Context, log *slog.Logger, d Delivery) {
	if !h.places.takeFree() {
		return
	}
	defer h.places.leave()
	ctx, cancel := context.WithTimeout(ctx, noteWithin)
	defer cancel()
	if err := h.o.Bus.PublishEvent(ctx, d); err != nil {
		log.Debug("that Zoom validated the webhook URL is not noted", "error", err)
		return
	}
	h.o.Metrics.published()
}
