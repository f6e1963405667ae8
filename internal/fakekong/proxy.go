package fakekong

import "net/http"

// ProxyHandler serves the proxy.
func (k *Kong) ProxyHandler() http.Handler { return http.NotFoundHandler() }
