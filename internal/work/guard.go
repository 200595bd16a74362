package work

import (
	"fmt"
	"runtime/debug"
)

// PanicError is a panic that Guard caught: a defect of ours, met by one unit of
// work. The stack is for the log.
type PanicError struct {
	Value any
	Stack []byte
}

// Error names what was panicked with, shortened: a panic may quote input.
func (e *PanicError) Error() string {
	s := fmt.Sprint(e.Value)
	if err, ok := e.Value.(error); ok {
		s = err.Error()
	}
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	return "panic: " + s
}

// Guard runs f and turns a panic into a *PanicError, so that one poisonous unit
// of work does not end its worker.
func Guard(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return f()
}
