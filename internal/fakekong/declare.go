package fakekong

import "net/http"

// noHash is the hash of a node that holds nothing.
const noHash = "00000000000000000000000000000000"

func (k *Kong) config(c *call) *answer {
	if k.mode != DBLess {
		return say(http.StatusBadRequest, "this endpoint is only available when Kong is configured to not use a database")
	}
	return notFound()
}
