package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"net/http"
	"strings"

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

// verifier checks signatures, one request at a time. It keeps its keyed hashes
// and buffers, so that a check allocates nothing, however large the body is.
type verifier struct {
	macs      []hash.Hash // one for each secret, in the order of Options.Secrets
	head      []byte
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
	if !ok || timestamp == "" || len(given) != len(v.given) {
		return -1
	}
	copy(v.given[:], given)
	if _, err := hex.Decode(v.want[:], v.given[:]); err != nil {
		return -1
	}
	if cap(v.head) > 1<<10 {
		v.head = nil // a stranger's huge header is not kept permanently
	}
	v.head = append(append(append(v.head[:0], "v0:"...), timestamp...), ':')
	match := -1
	for i, mac := range v.macs {
		mac.Reset()
		mac.Write(v.head)
		mac.Write(body)
		if hmac.Equal(mac.Sum(v.sum[:0]), v.want[:]) {
			match = i
		}
	}
	return match
}

// signatureProblem says what was wrong, for whoever sets the endpoint up.
func signatureProblem(h http.Header) string {
	switch {
	case h.Get(headerSignature) == "":
		return "header x-zm-signature is missing"
	case h.Get(headerTimestamp) == "":
		return "header x-zm-request-timestamp is missing"
	case !strings.HasPrefix(h.Get(headerSignature), signaturePrefix):
		return "x-zm-signature does not begin with v0="
	}
	return "computed with a different secret token or over a different body: compare ZOOM_WEBHOOK_SECRET_TOKEN with the app's Secret Token, and make sure that no proxy rewrites the body"
}

// validate answers Zoom's endpoint.url_validation with the secret that signed
// it (Z-HOOK-13).
func (h *Handler) validate(c *gin.Context, plainToken string, key secret.String) {
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write([]byte(plainToken))
	h.o.Metrics.count(resultValidation)
	h.o.Logger.Info("Zoom validated the webhook URL")
	c.JSON(http.StatusOK, gin.H{"plainToken": plainToken, "encryptedToken": hex.EncodeToString(mac.Sum(nil))})
}
