package routing

import (
	"container/list"
	"time"
)

const (
	memoryMost = 4096          // viewers
	memoryTime = 6 * time.Hour // since a viewer came last
)

// memory knows which node a viewer was sent to: players that come back at each
// seek are to find their place and what was read ahead for them. It forgets
// who did not come for longest.
type memory struct {
	byViewer map[string]*list.Element
	order    list.List // of remembered; the latest first
}

type remembered struct {
	viewer, node string // node by id
	at           time.Time
}

// node returns where a viewer was sent, empty for nowhere.
func (m *memory) node(viewer string, now time.Time) string {
	e, ok := m.byViewer[viewer]
	if !ok {
		return ""
	}
	r := e.Value.(*remembered)
	if now.Sub(r.at) > memoryTime {
		m.forget(viewer)
		return ""
	}
	r.at = now
	m.order.MoveToFront(e)
	return r.node
}

// note notes where a viewer is sent.
func (m *memory) note(viewer, node string, now time.Time) {
	m.forget(viewer)
	if m.byViewer == nil {
		m.byViewer = make(map[string]*list.Element)
	}
	if m.order.Len() >= memoryMost {
		m.forget(m.order.Back().Value.(*remembered).viewer)
	}
	m.byViewer[viewer] = m.order.PushFront(&remembered{viewer, node, now})
}

func (m *memory) forget(viewer string) {
	if e, ok := m.byViewer[viewer]; ok {
		m.order.Remove(e)
		delete(m.byViewer, viewer)
	}
}
