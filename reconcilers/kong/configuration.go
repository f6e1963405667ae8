package kong

import "github.com/lockstep/lockstep/reconcilers"

var (
	_ reconcilers.Configured = (*Reconciler)(nil)
	_ reconcilers.Configured = (*Nodes)(nil)
)

// Configuration implements reconcilers.Configured.
func (r *Reconciler) Configuration() reconcilers.Configuration {
	if r.last == nil {
		return reconcilers.Configuration{}
	}
	return reconcilers.Configuration{Known: true, Whole: r.last.dbless()}
}

// Configuration implements reconcilers.Configured. The first node that answers says whether
// they have a database; one that differs from it is kept out.
func (n *Nodes) Configuration() reconcilers.Configuration {
	if cluster := n.cluster.Load(); cluster != nil {
		return cluster.Configuration()
	}
	var all reconcilers.Configuration
	for i, node := range n.each {
		if one := node.Configuration(); n.down[i] == nil && one.Known {
			all.Known, all.Whole = true, true
		}
		all.Absent = all.Absent || n.down[i] != nil
	}
	return all
}
