package webui

import "strings"

// change is one line of a comparison.
type change struct {
	Sign string // "+" for new, "-" for gone, " " for both
	Text string
}

// diffMost bounds the work of a comparison; of texts that differ more than
// that in the middle all is gone, and all new.
const diffMost = 4 << 20

// diff compares two texts line by line. Of the lines that both have, all but a
// few around a change are left out; an empty sign stands for them.
func diff(before, after string) []change {
	a, b := lines(before), lines(after)
	var head, tail []change
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		head = append(head, change{" ", a[0]})
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		tail = append(tail, change{" ", a[len(a)-1]})
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	all := append(head, middle(a, b)...)
	for i := range tail {
		all = append(all, tail[len(tail)-1-i])
	}
	return around(all)
}

func lines(text string) []string {
	return strings.Split(strings.TrimSuffix(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), "\n")
}

// middle compares by the longest common subsequence.
func middle(a, b []string) (all []change) {
	if len(a)*len(b) > diffMost {
		for _, line := range a {
			all = append(all, change{"-", line})
		}
		a = nil
	}
	common := make([][]int32, len(a)+1) // of a[i:] and b[j:]
	for i := range common {
		common[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			all = append(all, change{" ", a[i]})
			i, j = i+1, j+1
		case i < len(a) && (j == len(b) || common[i+1][j] >= common[i][j+1]):
			all = append(all, change{"-", a[i]})
			i++
		default:
			all = append(all, change{"+", b[j]})
			j++
		}
	}
	return all
}

// around leaves out what is far from any change.
func around(all []change) (near []change) {
	const context = 3
	last := -1 << 30 // change before
	next := make([]int, len(all)+1)
	next[len(all)] = 1 << 30
	for i := len(all) - 1; i >= 0; i-- {
		if next[i] = next[i+1]; all[i].Sign != " " {
			next[i] = i
		}
	}
	for i, c := range all {
		if c.Sign != " " {
			last = i
		}
		if i-last <= context || next[i]-i <= context {
			near = append(near, c)
		} else if len(near) > 0 && near[len(near)-1].Sign != "" {
			near = append(near, change{})
		}
	}
	if len(near) > 0 && near[len(near)-1].Sign == "" {
		near = near[:len(near)-1]
	}
	return near
}
