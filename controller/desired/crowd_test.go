package desired

import (
	"fmt"
	"maps"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/snapshot"
)

// crowd returns n services of one container each that all want one host, and
// each another one beside, which it shares with its neighbour.
func crowd(n int) []snapshot.Instance {
	out := make([]snapshot.Instance, n)
	for i := range out {
		out[i] = box{
			Name: fmt.Sprintf("c%d", i), Created: i,
			Labels: map[string]string{
				"service": fmt.Sprintf("s%04d", i), "port": "80",
				"hosts": fmt.Sprintf("shop.test,h%d.test,h%d.test", i, i+1), "paths": "/a,/b,/c,/d",
			},
			Networks: map[string]string{"shop": fmt.Sprintf("10.0.%d.%d", i/256, i%256)},
		}.instance()
	}
	return out
}

// BenchmarkCrowd lets one of n services that all contend for one host change
// what it claims: the worst case of a region, which then holds all of them.
func BenchmarkCrowd(b *testing.B) {
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := newWorld()
			attachments := snapshot.Attachments{v1.Kong: {OnHost: true}, v1.HAProxy: {OnHost: true}}
			containers := crowd(n)
			w.builder.Update(epoch, snapshot.Delta{Full: true, Changed: containers, Attachments: attachments})
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				one := containers[i%n]
				one.Labels = maps.Clone(one.Labels)
				one.Labels["lockstep.methods"] = []string{"GET", "POST"}[i/n%2]
				w.builder.Update(epoch, snapshot.Delta{Changed: []snapshot.Instance{one}})
				w.builder.Update(epoch, snapshot.Delta{Changed: []snapshot.Instance{containers[i%n]}})
			}
		})
	}
}
