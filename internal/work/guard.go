package work

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// PanicError is a panic that Guard caught: a defect of ours, met by one unit of
// work. The stack is for the log.
type PanicError struct {
	Value any
	Stack []byte
}

// Error says what the runtime says of its own panics, which quote no data. Of any
// other it says the type alone: its text may quote what was being handled, a passcode
// included, and this becomes a log line, a row and the reason of a dead letter.
func (e *PanicError) Error() string {
	if err, ok := e.Value.(runtime.Error); ok {
		return "panic: " + err.Error()
	}
	return fmt.Sprintf("panic: a value of type %T, not shown; the log has the stack", e.Value)
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
