package v1

import (
	"errors"
	"fmt"
	"strings"
)

// Way is a way in for a service's requests: through one gateway, or through one
// that stands behind another.
type Way string

// The ways in.
const (
	KongAlone    Way = "kong"
	HAProxyAlone Way = "haproxy"
	KongHAProxy  Way = "kong>haproxy" // Kong takes the requests, HAProxy balances over the instances
	HAProxyKong  Way = "haproxy>kong" // HAProxy takes the requests and hands them to the Kong nodes
)

// wayWords are all ways, in the order of the reference page.
var wayWords = []string{string(HAProxyAlone), string(HAProxyKong), string(KongAlone), string(KongHAProxy)}

// ParseWays reads "haproxy,kong>haproxy" as the label gateways does.
func ParseWays(text string) ([]Way, error) {
	row := &rows[fieldTable.byName["gateways"]]
	value, wrong := row.parse(text)
	if wrong != nil {
		return nil, errors.New(wrong.message)
	}
	ways := make([]Way, len(value.List))
	for i, way := range value.List {
		ways[i] = Way(way)
	}
	return ways, nil
}

// The ways in of services that name none. They are never changed.
var (
	waysOfAll    = []Way{HAProxyAlone, KongAlone}
	waysOfStream = []Way{HAProxyAlone}
)

// Ways returns the ways in: its own, or else others, or else every gateway on its own.
// Connections that are passed on as they are come through HAProxy unless it says otherwise.
// The result is not to be changed.
func (s *Service) Ways(others []Way) []Way {
	switch {
	case len(s.Gateways) > 0:
		return s.Gateways
	case s.Protocol.Stream():
		return waysOfStream
	case len(others) > 0:
		return others
	}
	return waysOfAll
}

// checkWay returns the way in lower case and without spaces; which there are
// the row knows.
func checkWay(name string) (string, *fault) {
	return strings.ToLower(strings.ReplaceAll(name, " ", "")), nil
}

// checkWays refuses ways of which one gateway would take the same requests twice.
func checkWays(ways []string) *fault {
	first := map[string]string{}
	for _, way := range ways {
		gateway, _, _ := strings.Cut(way, ">")
		if other, taken := first[gateway]; taken {
			return &fault{
				message: fmt.Sprintf("%s and %s both let %s take the requests", other, way, gateway),
				fix:     "keep one of them",
			}
		}
		first[gateway] = way
	}
	if first[string(Kong)] == string(KongHAProxy) && first[string(HAProxy)] == string(HAProxyKong) {
		return &fault{message: fmt.Sprintf("%s and %s lead through both gateways twice", KongHAProxy, HAProxyKong), fix: "keep one of them"}
	}
	return nil
}
