package bind

import (
	"strconv"
	"strings"
)

// Lines returns the addresses of the bind lines in a configuration, those of a range of
// ports one by one. Names in the kernel's abstract space, which are our own, are left out.
func Lines(config string) []string {
	var binds []string
	for line := range strings.Lines(config) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == "bind" && !strings.HasPrefix(words[1], "abns@") {
			binds = append(binds, spread(words[1])...)
		}
	}
	return binds
}

// spread takes "HOST:FIRST-LAST" apart; what is no such range stays as it is.
func spread(text string) []string {
	at := strings.LastIndexByte(text, ':')
	first, last, ranged := strings.Cut(text[at+1:], "-")
	from, err1 := strconv.Atoi(first)
	to, err2 := strconv.Atoi(last)
	if !ranged || err1 != nil || err2 != nil {
		return []string{text}
	}
	var binds []string
	for port := from; port <= to; port++ {
		binds = append(binds, text[:at+1]+strconv.Itoa(port))
	}
	return binds
}
