package v1

// CertificateRequired is what a route says that clients without a certificate of the
// operator's authority may not use, nor any client over a way where none can be shown.
const CertificateRequired = "required"

// Securing says how instances that speak TLS are spoken to. The zero value is the
// strict one: their certificates are verified, by the operator's authorities or the gateway's own,
// for the Host that is sent on.
type Securing struct {
	// TLSUnverified takes any certificate.
	TLSUnverified bool `json:"tls_unverified,omitempty"`
	// TLSServerName is the name that instances are asked for and that their
	// certificates must bear, in lower case; "" is the Host that is sent on.
	TLSServerName string `json:"tls_servername,omitempty"`
	// TLSAuthority names one of the authorities that the operator has given the
	// daemon; "" is the one for all services. It is never a path.
	TLSAuthority string `json:"tls_ca,omitempty"`
}
