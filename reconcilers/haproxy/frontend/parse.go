package frontend

import (
	"strings"

	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
)

// Fill returns the text of a base with what Listeners open, and with the generation.
func Fill(base string, openings map[string]*Opening, generation string) string {
	return strings.Replace(Open(base, openings), generationHole, generation, 1)
}

// Parse reads back what Fill returned: the base and what Listeners open. It is not ok when the text is none of ours.
func Parse(text, owner string) (base string, openings map[string]*Opening, ok bool) {
	head, _, ok := strings.Cut(text, servicesMark)
	if !ok {
		return "", nil, false
	}
	base, openings = parseOpenings(head + servicesMark)
	return openGeneration(base, owner), openings, true
}

// openGeneration puts the hole back where the generation stands.
func openGeneration(base, owner string) string {
	before, after, ok := strings.Cut(base, "set-var "+GenerationVariable(owner)+" str(")
	if !ok {
		return base
	}
	_, after, _ = strings.Cut(after, ")")
	return before + "set-var " + GenerationVariable(owner) + " str(" + generationHole + ")" + after
}

// EndsTLS reports whether sections have a listener for TLS.
func EndsTLS(sections string) bool { return strings.Contains(sections, "/"+disk.Certificates+" ") }
