package compile

import (
	"fmt"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
)

// claim notes what no other entity may have alike, and says who has it already: Kong
// would let only one of them be, in each round the other.
func (c *compiler) claim(e *v1.Entity, rec *entity.Record) *v1.Problem {
	if c.taken == nil { // what services became was there before
		c.taken = map[string]*v1.Entity{}
		for _, o := range c.state {
			if own, ok := o.Native.(*entity.Record); ok && !own.Declared && own.Row.Parks {
				for _, at := range entity.Places(c.Rows, own.Row, own.Body) {
					c.taken[at.Text] = &v1.Entity{Origin: o.Origin}
				}
			}
		}
	}
	for _, at := range entity.Places(c.Rows, rec.Row, rec.Body) {
		if other := c.taken[at.Text]; other != nil {
			problem := problemAt(e, e.Origin, v1.Conflict,
				fmt.Sprintf("it has the same %s as the one at %s, and Kong takes one such %s", strings.Join(at.Fields, ", "), other.Origin, rec.Row.Word()), "keep one of the two")
			return &problem
		}
		c.taken[at.Text] = e
	}
	return nil
}
