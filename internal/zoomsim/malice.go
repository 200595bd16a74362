package zoomsim

// Malice are knobs for hostility that comes at random: each a probability from
// 0 (off) to 1. All draws come from the seed.
type Malice struct{}

func (m Malice) merge(Malice) Malice { return m }
