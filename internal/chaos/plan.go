package chaos

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Kinds of fault.
const (
	killIngest   = "kill -9 ingest"
	killWorker   = "kill -9 worker"
	killNode     = "kill -9 nats"
	killCluster  = "kill -9 nats, all three"
	killPostgres = "kill -9 postmaster"
	killBackend  = "kill -9 backend"
	quitPostgres = "immediate shutdown of Postgres"
	stopPostgres = "restart of Postgres"
	termIngest   = "SIGTERM ingest"
	termWorker   = "SIGTERM worker"
	freezeOne    = "SIGSTOP"
	harmHook     = "link balancer-ingest"
	harmDatabase = "link worker-postgres"
	harmZoom     = "link worker-zoom"
	harmNATS     = "link latchkey-nats"
	harmRoute    = "link nats-nats"
)

// kinds is every kind, each as often as it shall come up.
var kinds = []string{
	killIngest, killIngest, killWorker, killWorker, killWorker, killNode, killNode, killCluster,
	killPostgres, killBackend, quitPostgres, stopPostgres, termIngest, termWorker, freezeOne,
	harmHook, harmHook, harmDatabase, harmDatabase, harmZoom, harmNATS, harmNATS, harmRoute,
}

// fault is one thing that is done to the rig for a while.
type fault struct {
	kind  string
	which int // a number, of which the rig takes the remainder
	harm  harm
	after time.Duration // from the beginning of the round
	lasts time.Duration
}

func (f fault) String() string {
	if f.harm != unharmed {
		return fmt.Sprintf("%s: %s", f.kind, f.harm)
	}
	return f.kind
}

// plan says what is done in each round. It follows from the seed alone. Kinds come up
// as cards from a pack that is shuffled when it is empty: none is missing for long.
func plan(seed uint64, rounds int) [][]fault {
	rnd := rand.New(rand.NewPCG(seed, 1))
	var pack []string
	var all [][]fault
	for range rounds {
		var round []fault
		for range 1 + rnd.IntN(3) {
			if len(pack) == 0 {
				pack = append(pack, kinds...)
				rnd.Shuffle(len(pack), func(i, j int) { pack[i], pack[j] = pack[j], pack[i] })
			}
			f := fault{kind: pack[0], which: rnd.IntN(1 << 16), after: time.Duration(rnd.IntN(600)) * time.Millisecond, lasts: time.Duration(100+rnd.IntN(1900)) * time.Millisecond}
			pack = pack[1:]
			switch f.kind {
			case harmHook, harmDatabase, harmZoom, harmNATS, harmRoute:
				f.harm = harms[rnd.IntN(len(harms))]
			}
			round = append(round, f)
		}
		all = append(all, round)
	}
	return all
}
