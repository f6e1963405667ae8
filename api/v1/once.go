package v1

import "slices"

// Once returns each of some problems once, and says of no gateway what is so on each of
// several. The order stays.
func Once(problems []Problem, gateways []Gateway) []Problem {
	out := []Problem{}
	for _, problem := range problems {
		if problem.Gateway != "" && len(gateways) > 1 && onEach(problems, problem, gateways) {
			problem.Gateway = ""
		}
		if !slices.Contains(out, problem) {
			out = append(out, problem)
		}
	}
	return out
}

// onEach reports whether a problem of one gateway is one of every other as well.
func onEach(all []Problem, problem Problem, gateways []Gateway) bool {
	for _, problem.Gateway = range gateways {
		if !slices.Contains(all, problem) {
			return false
		}
	}
	return true
}
