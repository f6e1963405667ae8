// Package snapshot holds what a source saw: Instance (one running copy of a
// service), Delta (what changed since the last look) and Attachment (which
// networks a gateway reaches). Values only; nothing here decides anything.
package snapshot
