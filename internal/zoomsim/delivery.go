package zoomsim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"
)

// The states of a delivery.
const (
	DeliveryPending   = "pending"   // queued or being sent
	DeliveryRetrying  = "retrying"  // waits for its next attempt
	DeliveryDelivered = "delivered" // answered in time and accepted
	DeliveryRefused   = "refused"   // 3xx or 4xx: never tried again
	DeliveryGone      = "gone"      // every retry failed
	DeliveryLost      = "lost"      // dropped by a malice knob, or for want of a URL or an active app
)

// Delivery is one webhook and what became of it. It holds no body: bodies can
// carry passcodes.
type Delivery struct {
	RequestID string    `json:"request_id"`
	AccountID string    `json:"account_id"`
	Event     string    `json:"event"`
	State     string    `json:"state"`
	Attempts  []Attempt `json:"attempts"`
}

// Attempt is one try; Status -1 means that no answer came.
type Attempt struct {
	At     time.Time `json:"at"`
	Status int       `json:"status"`
	Reason string    `json:"reason,omitempty"`
}

// The reasons of an attempt without an answer.
const (
	reasonTimeout    = "read time out"
	reasonConnection = "connection failed"
)

type delivery struct {
	Delivery
	acct  *account
	body  []byte
	trace string
}

// sign sets Zoom's headers. The timestamp is in seconds and the signature is
// over the raw bytes (Z-HOOK-2 to Z-HOOK-5).
func (o *outbox) sign(h http.Header, d *delivery, at time.Time) {
	ts := strconv.FormatInt(at.Unix(), 10)
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("User-Agent", "Zoom Marketplace/1.0a")
	h.Set("x-zm-signature", Sign(d.acct.cred.SecretToken, ts, d.body))
	h.Set("x-zm-request-timestamp", ts)
	h.Set("x-zm-request-id", d.RequestID)
	h.Set("x-zm-trackingid", o.tracking()) // new each time, the request id stays (Z-HOOK-9)
	h.Set("traceparent", d.trace)
}

// Sign returns the x-zm-signature of a raw body: "v0=" and the hex HMAC-SHA256
// of "v0:timestamp:body" (Z-HOOK-4).
func Sign(secret, timestamp string, body []byte) string {
	return "v0=" + hmacHex(secret, append([]byte("v0:"+timestamp+":"), body...))
}

func hmacHex(secret string, message []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(message)
	return hex.EncodeToString(mac.Sum(nil))
}
