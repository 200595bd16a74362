package webhook

import (
	"container/list"
	"errors"
	"io"
	"sync"
)

// room bounds the bytes of all bodies that are held. Where there are too many,
// the body that has been arriving for the longest loses: a good one arrives within
// milliseconds, so the slow make way for the new.
type room struct {
	mu       sync.Mutex
	held     int64
	most     int64
	arriving list.List // of *body, the one that began first in front
}

var errDisplaced = errors.New("the body was displaced: others needed its room")

// body reads a request's body into the room.
type body struct {
	from io.Reader
	room *room
	// cut makes a Read in progress fail.
	cut func()

	// Of the room's mutex:
	held  int64
	place *list.Element // nil once it has arrived or lost
	lost  bool
}

// open begins a body; release must follow.
func (r *room) open(from io.Reader, cut func()) *body {
	b := &body{from: from, room: r, cut: cut}
	r.mu.Lock()
	defer r.mu.Unlock()
	b.place = r.arriving.PushBack(b)
	return b
}

// Read fails with errDisplaced once the body has lost its room.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	r := b.room
	r.mu.Lock()
	defer r.mu.Unlock()
	if !b.lost {
		b.held += int64(n)
		r.held += int64(n)
	}
	for r.held > r.most && r.arriving.Len() > 0 {
		r.displace(r.arriving.Front().Value.(*body))
	}
	if b.lost {
		return n, errDisplaced
	}
	return n, err
}

// displace is called with the mutex held, so that cut never hits a connection
// whose body has arrived.
func (r *room) displace(b *body) {
	b.lost = true
	r.forget(b)
	r.held -= b.held
	b.held = 0
	b.cut()
}

func (r *room) forget(b *body) {
	if b.place != nil {
		r.arriving.Remove(b.place)
		b.place = nil
	}
}

// arrived ends the reading. It reports whether the body is whole; its bytes then
// stay in the room, and nobody displaces it any more.
func (b *body) arrived() bool {
	b.room.mu.Lock()
	defer b.room.mu.Unlock()
	b.room.forget(b)
	return !b.lost
}

// release gives the room back.
func (b *body) release() {
	b.room.mu.Lock()
	defer b.room.mu.Unlock()
	b.room.forget(b)
	b.room.held -= b.held
	b.held = 0
}
