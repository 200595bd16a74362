package zoomsim

// matrixRow is one of Zoom's 46 scenarios (Z-RULE-1): the settings, where "/"
// separates alternatives and "!" is locked, and what a request then yields.
type matrixRow struct {
	op                     Op
	n                      int
	room, code, auth       string
	given, absent          word // passcode result
	roomResult, authResult word
}

// word is one result of the matrix, see expect_test.go.
type word uint8

const (
	none word = iota
	given
	generated
	unchanged
	keptElseGenerated
	genUnlessAuth
	keptOrGenUnlessAuth
	on
	off
	request
	onIfNoPasscode
	onIfNeitherAuth
	onIfNeitherPasscode
	onIfNothing
	stays
	requestUnlessAll
)

var matrix = []matrixRow{
	{Create, 1, "on!", "on!", "on!", given, generated, on, on},
	{Create, 2, "off!", "on/off", "on/off", given, genUnlessAuth, off, request},
	{Create, 3, "on/off", "on/off", "off!", given, none, onIfNoPasscode, off},
	{Create, 4, "on/off", "off!", "on/off", none, none, onIfNeitherAuth, request},
	{Create, 5, "off!", "off!", "on/on!/off", none, none, off, on},
	{Create, 6, "off!", "on/on!/off", "off!", given, generated, off, off},
	{Create, 7, "on/on!/off", "off!", "off!", none, none, on, off},
	{Create, 8, "on!", "on/off", "on/off", given, none, on, request},
	{Create, 9, "on/off", "on!", "on/off", given, generated, request, request},
	{Create, 10, "on/off", "on/off", "on!", given, none, request, on},
	{Create, 11, "on!", "on!", "on/off", given, generated, on, request},
	{Create, 12, "on!", "on/off", "on!", given, none, on, on},
	{Create, 13, "on/off", "on!", "on!", given, generated, request, on},
	{Create, 14, "on/off", "on!", "off!", given, generated, request, off},
	{Create, 15, "on/off", "off!", "on!", none, none, request, on},
	{Create, 16, "on!", "on/off", "off!", given, none, on, off},
	{Create, 17, "off!", "on/off", "on!", given, none, off, on},
	{Create, 18, "on!", "off!", "on/off", none, none, on, request},
	{Create, 19, "off!", "on!", "on/off", given, generated, off, request},
	{Create, 20, "off!", "on!", "on!", given, generated, off, on},
	{Create, 21, "on!", "off!", "on!", none, none, on, on},
	{Create, 22, "on!", "on!", "off!", given, generated, on, off},
	{Create, 23, "on/off", "on/off", "on/off", given, none, onIfNothing, request},
	{Update, 1, "on!", "on!", "on!", given, keptElseGenerated, on, on},
	{Update, 2, "off!", "on/off", "on/off", given, keptOrGenUnlessAuth, off, request},
	{Update, 3, "on/off", "off!", "on/off", none, none, onIfNeitherAuth, request},
	{Update, 4, "on/off", "on/off", "off!", given, unchanged, onIfNeitherPasscode, off},
	{Update, 5, "off!", "off!", "on/on!/off", none, none, off, on},
	{Update, 6, "off!", "on/on!/off", "off!", given, keptElseGenerated, off, off},
	{Update, 7, "on/on!/off", "off!", "off!", none, none, on, off},
	{Update, 8, "on!", "on/off", "on/off", given, unchanged, on, request},
	{Update, 9, "on/off", "on!", "on/off", given, keptElseGenerated, request, request},
	{Update, 10, "on/off", "on/off", "on!", given, unchanged, request, on},
	{Update, 11, "on!", "on!", "on/off", given, keptElseGenerated, on, request},
	{Update, 12, "on!", "on/off", "on!", given, unchanged, on, on},
	{Update, 13, "on/off", "on!", "on!", given, keptElseGenerated, request, on},
	{Update, 14, "on/off", "on!", "off!", given, keptElseGenerated, request, off},
	{Update, 15, "on/off", "off!", "on!", none, none, request, on},
	{Update, 16, "on!", "on/off", "off!", given, unchanged, on, off},
	{Update, 17, "off!", "on/off", "on!", given, unchanged, off, on},
	{Update, 18, "on!", "off!", "on/off", none, none, on, request},
	{Update, 19, "off!", "on!", "on/off", given, keptElseGenerated, off, request},
	{Update, 20, "off!", "on!", "on!", given, keptElseGenerated, off, on},
	{Update, 21, "on!", "off!", "on!", none, none, on, on},
	{Update, 22, "on!", "on!", "off!", given, keptElseGenerated, on, off},
	{Update, 23, "on/off", "on/off", "on/off", given, unchanged, stays, requestUnlessAll},
}
