package ratelimit

import "time"

// TSpec is a token bucket spec: tokens of one byte come in at Rate, at most
// Burst of them are kept. A stream that is sent through such a bucket, full
// at the start, has sent at most Burst + Rate/8*t bytes after t seconds. A
// Rate of 0 does not limit at all.
type TSpec struct {
	Rate  Rate
	Burst Size
}

// Policy says how a bucket is cut to a file: how much burst it gets and how
// much faster than needed it is filled.
type Policy struct {
	Burst    time.Duration // burst in playing time of the file's average
	BurstMin Size          // and at least this much
	BurstMax Size          // and never more than this
	Headroom float64       // factor on the rate, 1.05 for 5 % above what is needed
	Floor    Rate          // no bucket is filled slower than this
}

// DefaultPolicy returns the pair that starves no measured player and wastes
// least: a burst of 256 KiB or 2 s, whichever is more, but at most 8 MiB, and
// 5 % of rate for clock drift and timer grain.
func DefaultPolicy() Policy {
	return Policy{Burst: 2 * time.Second, BurstMin: 256 * KiB, BurstMax: 8 * MiB, Headroom: 1.05}
}
