package embedded

import (
	"fmt"
	"log/slog"
	"sync"
)

// natsLog passes the NATS server's log lines on to slog. The server's notices
// are about itself ("Starting nats-server", "Server is ready"), not about our
// work, so they come out at debug level.
type natsLog struct {
	log *slog.Logger

	mu    sync.Mutex
	first string // the first fatal message
}

func (l *natsLog) Noticef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l *natsLog) Warnf(format string, v ...any)   { l.log.Warn(fmt.Sprintf(format, v...)) }
func (l *natsLog) Errorf(format string, v ...any)  { l.log.Error(fmt.Sprintf(format, v...)) }
func (l *natsLog) Debugf(format string, v ...any)  { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l *natsLog) Tracef(format string, v ...any)  { l.log.Debug(fmt.Sprintf(format, v...)) }

// Fatalf keeps the message for StartNATS. The server's own logger would end
// the process here; the server returns from Start after it when we do not.
func (l *natsLog) Fatalf(format string, v ...any) {
	msg := fmt.Sprintf(format, v...)
	l.log.Error(msg)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first == "" {
		l.first = msg
	}
}

func (l *natsLog) fatal() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first
}
