package zoomsim

import (
	"fmt"
	"net/http"
	"strconv"
)

// Error is an answer in Zoom's error shape (Z-ERR-1). Go calls return it too,
// so that a test can look at the code.
type Error struct {
	Status  int               `json:"-"`
	Code    int               `json:"code"`
	Message string            `json:"message"`
	Errors  []FieldError      `json:"errors,omitempty"`
	Headers map[string]string `json:"-"`
}

// FieldError is one member of a validation error's list.
type FieldError struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

func (e *Error) Error() string {
	return fmt.Sprintf("zoom %d, code %d: %s", e.Status, e.Code, e.Message)
}

func failure(status, code int, format string, args ...any) *Error {
	return &Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

func invalid(field, message string) *Error {
	e := failure(http.StatusBadRequest, 300, "Validation Failed.")
	e.Errors = []FieldError{{field, message}}
	return e
}

func noUser(id string) *Error {
	return failure(http.StatusNotFound, 1001, "User does not exist: %s.", id)
}

// notHere: the user is another account's (Z-ERR-5).
func notHere(id string) *Error {
	return failure(http.StatusBadRequest, 1010, "User does not belong to this account: %s.", id)
}

func noGroup(id string) *Error {
	return failure(http.StatusNotFound, 4130, "Group does not exist: %s.", id)
}

// noAccount: Zoom's documents say 404 for settings and 400 for lock settings.
func noAccount(status int, id string) *Error {
	return failure(status, 2001, "Account does not exist: %s.", id)
}

func noMeeting(id string) *Error {
	return failure(http.StatusNotFound, 3001, "Meeting does not exist: %s.", id)
}

func noMeetingID(id int64) *Error { return noMeeting(strconv.FormatInt(id, 10)) }

// Code 3000 has several meanings that only the words tell apart (Z-ERR-7).

func inProgress() *Error {
	return failure(http.StatusBadRequest, 3000, "You cannot update or delete meetings that have started using this method.")
}

func isWebinar() *Error {
	return failure(http.StatusBadRequest, 3000, "Cannot access webinar info.")
}

func noOccurrence() *Error {
	return failure(http.StatusBadRequest, 3000, "Invalid occurrence_id.")
}

func cannotSchedule(email string) *Error {
	return failure(http.StatusBadRequest, 3000, "You cannot schedule a meeting for %q.", email)
}

// mayNotHost: Zoom's documents have it for every call about meetings (Z-ERR-12).
func mayNotHost() *Error {
	return failure(http.StatusBadRequest, 3161, "Meeting hosting and scheduling capabilities are not allowed for your user account.")
}

func notPMI() *Error {
	return failure(http.StatusBadRequest, 3018, "Not allowed to delete PMI.")
}

// onlyPaid: the account call documents it with HTTP status 200, the group
// call with 400 (openapi/accounts.json, users.json).
func onlyPaid(status int, id string) *Error {
	return failure(status, 200, "Only available for paid account: %s.", id)
}
