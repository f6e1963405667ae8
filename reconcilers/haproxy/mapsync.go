package haproxy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/haproxy/socket"
)

// payloadLimit keeps a payload below HAProxy's buffer (tune.bufsize, 16 KiB).
const payloadLimit = 12 << 10

// wholeMap is the number of lines to change or delete above which the map is
// replaced as a whole, because 2.6 looks through all of it for each of them: 6 to
// 14 ms with 100,000 lines, which take 900 ms to replace. Both grow with the map.
// To add lines is always cheaper than that.
const wholeMap = 100

// routes brings the running maps to what the table says; keys are those of the
// map of prefixes that may differ. Patterns that come are there before the map
// leads to them, those that go are there until it does not: a route that moves
// from one to the other is served all the time.
func (rt *runtime) routes(keys []string) error {
	r := rt.r
	want := r.table.Patterns()
	both := routemap.InOrder(slices.Concat(r.patterns, want))
	if r.patterns != nil && (len(both) != len(r.patterns) || !slices.Equal(routemap.InOrder(r.patterns), r.patterns)) {
		if err := rt.replacePatterns(both); err != nil {
			return err
		}
	}
	if err := rt.entries(keys); err != nil {
		return err
	}
	if r.patterns != nil && !slices.Equal(r.patterns, want) {
		return rt.replacePatterns(want)
	}
	return nil
}

// replacePatterns puts a whole new list in place, for its order counts.
func (rt *runtime) replacePatterns(lines []string) error {
	lines = lines[:len(lines)-1] // patternEnd comes afterwards
	for _, line := range lines {
		if err := routemap.CheckPattern(line); err != nil {
			return err
		}
	}
	if err := rt.replace(rt.r.dir.File(disk.Patterns), lines, routemap.PatternEnd); err != nil {
		return err
	}
	rt.r.patterns = append(slices.Clone(lines), routemap.PatternEnd)
	return nil
}

// entries brings the named keys of the running map to what the table says.
func (rt *runtime) entries(keys []string) error {
	r := rt.r
	var additions, commands []string
	for _, key := range keys {
		want, wanted := r.table.Value(key)
		have, there := r.running[key]
		if wanted {
			if err := routemap.CheckEntry(key, want); err != nil {
				return err
			}
		}
		switch {
		case wanted && !there:
			additions = append(additions, key+" "+want)
		case wanted && have != want:
			commands = append(commands, "set map "+r.dir.File(disk.Routes)+" "+escape(key)+" "+want)
		case !wanted && there:
			commands = append(commands, "del map "+r.dir.File(disk.Routes)+" "+escape(key))
		}
	}
	if len(additions)+len(commands) == 0 {
		return nil
	}
	if len(commands) > wholeMap {
		return rt.replaceMap()
	}
	file := r.dir.File(disk.Routes)
	answers, err := rt.command(append(payloads("add map "+file, additions), commands...)...)
	if err == nil {
		err = refused(answers)
	}
	if err != nil {
		rt.broken = true
		return fmt.Errorf("map %s: %w", file, err)
	}
	for _, key := range keys {
		if want, wanted := r.table.Value(key); wanted {
			r.running[key] = want
		} else {
			delete(r.running, key)
		}
	}
	return nil
}

// replaceMap puts a whole new map in place; requests see the old or the new.
func (rt *runtime) replaceMap() error {
	all := rt.r.table.All()
	lines := make([]string, 0, len(all))
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if err := routemap.CheckEntry(key, all[key]); err != nil {
			return err
		}
		lines = append(lines, key+" "+all[key])
	}
	if rt.r.proof != "" { // workers that were replaced vouch by it still
		lines = append(lines, routemap.Proof+" "+rt.r.proof)
	}
	if err := rt.replace(rt.r.dir.File(disk.Routes), lines); err != nil {
		return err
	}
	rt.r.running = all
	return nil
}

// replace puts lines in place of all that a map holds, and adds some afterwards.
func (rt *runtime) replace(file string, lines []string, after ...string) error {
	answers, err := rt.command("prepare map " + file)
	if err != nil {
		return err
	}
	_, version, ok := strings.Cut(answers[0], "New version created: ")
	if !ok || (charset.Word{What: "map version", Extra: "", Max: 20}).Check(version) != nil {
		return fmt.Errorf("map %s: HAProxy refused: %s", file, socket.FirstLine(answers[0]))
	}
	commands := append(payloads("add map @"+version+" "+file, lines), "commit map @"+version+" "+file)
	commands = append(commands, payloads("add map "+file, after)...)
	answers, err = rt.command(commands...)
	if err == nil {
		err = refused(answers)
	}
	if err != nil {
		rt.broken = true
		return fmt.Errorf("map %s: %w", file, err)
	}
	return nil
}

// payloads splits lines over as many commands as they need.
func payloads(command string, lines []string) []string {
	var commands []string
	var payload strings.Builder
	flush := func() {
		if payload.Len() > 0 {
			commands = append(commands, command+" <<\n"+payload.String())
			payload.Reset()
		}
	}
	for _, line := range lines {
		if payload.Len()+len(line) > payloadLimit {
			flush()
		}
		payload.WriteString(line + "\n")
	}
	flush()
	return commands
}

// escape protects the one character of a key that ends a command.
func escape(key string) string { return strings.ReplaceAll(key, ";", `\;`) }

// hostEntries brings the running hosts.map up to the steps, where the user's
// frontends use it.
func (rt *runtime) hostEntries(steps []*step) error {
	r := rt.r
	if r.hosts == nil {
		return nil
	}
	next := r.model.Clone()
	r.take(next, steps)
	want := routemap.Hosts(next.Routes())
	file := r.dir.File(disk.Hosts)
	var additions, commands []string
	for _, host := range slices.Sorted(maps.Keys(want)) {
		if !r.hosts[host] {
			additions = append(additions, routemap.HostLine(r.o.Owner, host))
		}
	}
	for _, host := range slices.Sorted(maps.Keys(r.hosts)) {
		if !want[host] {
			commands = append(commands, "del map "+file+" "+escape(host))
		}
	}
	if len(additions)+len(commands) == 0 {
		return nil
	}
	answers, err := rt.command(append(payloads("add map "+file, additions), commands...)...)
	if err == nil {
		err = refused(answers)
	}
	if err != nil {
		rt.broken = true
		return fmt.Errorf("map %s: %w", file, err)
	}
	r.hosts = want
	return nil
}
