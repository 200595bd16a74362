package zoomsim

import "slices"

// The values of creation_source: through what a meeting was made (Z-EVENT-3,
// Z-EVENT-4).
const (
	SourceOther         = "other"
	SourceOpenAPI       = "open_api"
	SourceWebPortal     = "web_portal"
	SourceZoomScheduler = "zoom_scheduler"
)

// validSource takes "" too, which names none.
func validSource(source string) bool {
	return slices.Contains([]string{"", SourceOther, SourceOpenAPI, SourceWebPortal, SourceZoomScheduler}, source)
}
