package v1

import (
	"fmt"
	"strings"
)

// NotEnabledBecause says why a container that Decode found not Enabled does
// not count, and what to do when it should. A container with our labels but
// without enable is named as such, and so is a misspelt enable: nobody else
// would tell, for its labels are not looked at otherwise.
func (g Grammar) NotEnabledBecause(s Subject) Problem {
	d := &decoding{grammar: g, subject: s}
	d.collect()
	p := Problem{
		Reason:  NotEnabled,
		Object:  Key{Kind: KindInstance, Name: s.Container},
		Origin:  Origin{Container: s.Container},
		Message: fmt.Sprintf("it has no label that begins with %s", g.Prefix),
		Fix:     fmt.Sprintf("set %s%s=true", g.Prefix, enableField),
	}
	for _, own := range d.own {
		if fold(own.rest) == enableField {
			p.Origin.Label = own.key
			p.Message = "it opted out by this label"
			p.Fix = fmt.Sprintf("to bring it in set %s%s=true", g.Prefix, enableField)
			if g.ExposeAll {
				p.Fix += ", or remove the label"
			}
			if own.key != g.Prefix+enableField && strings.EqualFold(own.value, "true") {
				p.Message = "this one label must be spelled exactly so"
				p.Fix = fmt.Sprintf("write %s%s=true", g.Prefix, enableField)
			}
			return p
		}
	}
	for _, own := range d.own {
		if strings.Contains(own.rest, ".") {
			continue
		}
		if nearest(own.rest, nil, OfContainer, OfService, OfInstance, OfRoute) == enableField {
			p.Origin.Label = own.key
			p.Message = fmt.Sprintf("unknown key %s", shown(own.rest))
			p.Fix = fmt.Sprintf("did you mean %s%s?", g.Prefix, enableField)
			return p
		}
	}
	if n := len(d.own); n > 0 {
		p.Origin.Label = d.own[0].key
		p.Message = fmt.Sprintf("labels that begin with %s are there (%d), but not %s%s", g.Prefix, n, g.Prefix, enableField)
	}
	return p
}
