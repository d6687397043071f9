package scale

import "slices"

// ways is among how many items the one not played for longest is dropped.
const ways = 10

// keeping is what the nodes' caches hold: for each node, rows of items, each
// with the last played first.
type keeping struct {
	rows  int
	items []uint32 // plus one; 0 is none
}

func newKeeping(nodes, items int) keeping {
	rows := items / ways
	return keeping{rows, make([]uint32, nodes*rows*ways)}
}

// play keeps an item, and reports whether the node had it.
func (k *keeping) play(node uint16, item uint32) bool {
	if k.rows == 0 {
		return false
	}
	row := int(node)*k.rows + int(item)%k.rows
	some := k.items[row*ways : (row+1)*ways]
	i := slices.Index(some, item+1)
	had := i >= 0
	if !had {
		i = ways - 1
	}
	copy(some[1:i+1], some[:i])
	some[0] = item + 1
	return had
}
