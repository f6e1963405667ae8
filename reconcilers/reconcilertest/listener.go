package reconcilertest

import (
	"fmt"
	"maps"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// Slots is how many addresses Listeners are given along the walks. They are 127.0.0.1
// with ports from 1 on: a gateway puts addresses of its own in their place.
const Slots = 3

// StepListeners lets one thing happen to the Listeners, and says what.
func (f *Fleet) StepListeners() string {
	names := slices.Sorted(maps.Keys(f.listeners))
	var free []string
	for slot := range Slots {
		address := fmt.Sprintf("127.0.0.1:%d", slot+1)
		if !slices.ContainsFunc(names, func(name string) bool { return f.listeners[name].Binds[0].Address == address }) {
			free = append(free, address)
		}
	}
	if len(free) > 0 && (len(names) == 0 || f.random.IntN(3) == 0) {
		f.number++
		l := v1.Listener{Name: fmt.Sprintf("listener%d", f.number), Binds: []v1.Bind{{Address: pick(f.random, free)}}, Origin: v1.Origin{File: "listeners.yaml", Line: f.number, Column: 1}}
		f.listeners[l.Name] = l
		return "add Listener " + l.Name
	}
	l := f.listeners[pick(f.random, names)]
	bind := l.Binds[0]
	var told string
	switch f.random.IntN(6) {
	case 0:
		delete(f.listeners, l.Name)
		return "remove Listener " + l.Name
	case 1:
		bind.TLS, told = !bind.TLS, "turn TLS at"
	case 2:
		if len(free) > 0 {
			bind.Address = pick(f.random, free)
		}
		told = "move"
	case 3:
		l.Hosts, l.Exclusive, told = nil, false, "open"
	default:
		f.number++
		l.Hosts = []string{fmt.Sprintf("*.own%d.test", f.number), fmt.Sprintf("own%d.test", f.number)}
		l.Exclusive, told = f.random.IntN(2) == 0, "give hosts to"
	}
	l.Binds = []v1.Bind{bind}
	f.listeners[l.Name] = l
	return told + " Listener " + l.Name
}

// declaredListeners returns them by name.
func (f *Fleet) declaredListeners() []v1.Listener {
	var all []v1.Listener
	for _, name := range slices.Sorted(maps.Keys(f.listeners)) {
		all = append(all, f.listeners[name])
	}
	return all
}
