package cmd

import (
	"slices"
	"strings"

	"github.com/lockstep/lockstep/api/server"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/status"
)

// What the guard holds are services and routes. It is counted as such everywhere, however
// many objects of a gateway they are.

// ownersIn returns the services and routes that changes which are held are about. A
// service's routes go with it, and are not counted apart.
func ownersIn(held []server.Change) []v1.Key {
	var services, owners []v1.Key
	for _, change := range held {
		if change.Owner.Kind == v1.KindService && !slices.Contains(services, change.Owner) {
			services = append(services, change.Owner)
		}
	}
	for _, change := range held {
		of := v1.Key{Kind: v1.KindService, Name: change.Service}
		if change.Owner.Kind != v1.KindService && !slices.Contains(services, of) && !slices.Contains(owners, change.Owner) {
			owners = append(owners, change.Owner)
		}
	}
	return append(services, owners...)
}

// ownersOf returns the services and routes that a gateway's guard holds.
func ownersOf(held []status.Held) []v1.Key {
	owners := make([]v1.Key, len(held))
	for i := range held {
		owners[i] = held[i].Owner
	}
	return owners
}

// sayOwners counts services and routes: "4 services and 1 route".
func sayOwners(owners []v1.Key) string {
	services := 0
	for _, owner := range owners {
		if owner.Kind == v1.KindService {
			services++
		}
	}
	var parts []string
	if services > 0 {
		parts = append(parts, count(services, "service"))
	}
	if routes := len(owners) - services; routes > 0 {
		parts = append(parts, count(routes, "route"))
	}
	return strings.Join(parts, " and ")
}

// heldRows returns a row of the table of services for each that is wanted no more, and that
// a guard keeps.
func heldRows(report status.Report) [][]string {
	var names []string
	for _, g := range report.Gateways {
		for _, held := range g.Held {
			known := slices.ContainsFunc(report.Services, func(s status.Service) bool { return s.Service == held.Owner.Name })
			if held.Owner.Kind == v1.KindService && !known && !slices.Contains(names, held.Owner.Name) {
				names = append(names, held.Owner.Name)
			}
		}
	}
	slices.Sort(names)
	rows := make([][]string, 0, len(names))
	for _, name := range names {
		row := []string{name, "(none)"}
		for _, g := range report.Gateways {
			on := "-"
			if slices.Contains(ownersOf(g.Held), v1.Key{Kind: v1.KindService, Name: name}) {
				on = string(v1.HeldByGuard)
			}
			row = append(row, on)
		}
		rows = append(rows, append(row, ""))
	}
	return rows
}
