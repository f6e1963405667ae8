package manifests

import (
	"errors"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// revealedCertificate is what came of a certificate, and how its files looked then.
type revealedCertificate struct {
	followed
	certificate v1.Certificate
	stamps      [2]stamp
}

// certificateList looks the certificates up. What can't be read is what it was before, as long
// as a gateway may hold that; at first it goes on without chain and key.
func (r *revealer) certificateList(list []*Certificate) []v1.Certificate {
	before := make(map[string]v1.Certificate, len(r.shared.Certificates))
	for _, made := range r.shared.Certificates {
		before[made.Name] = made
	}
	var out []v1.Certificate
	now := make(map[*Certificate]revealedCertificate, len(list))
	for _, c := range list {
		made := r.certificate(c)
		if made.problem != nil {
			if made.certificate = before[c.Name]; made.certificate.Chain == "" {
				made.certificate = v1.Certificate{Name: c.Name, SNIs: c.SNIs, Default: c.Default, Gateways: c.Gateways, Origin: c.Origin}
			}
		}
		now[c] = made
		out = append(out, made.certificate)
	}
	r.certificates = now
	return out
}

// certificate reveals one certificate, from what is known where its files did
// not change.
func (r *revealer) certificate(c *Certificate) revealedCertificate {
	stamps := [2]stamp{stampAt(c.Chain.file), stampAt(c.Key.file)}
	if known, has := r.certificates[c]; has && known.problem == nil && known.stamps == stamps {
		return known
	}
	made := revealedCertificate{stamps: stamps}
	for _, file := range []string{c.Chain.file, c.Key.file} {
		if file != "" {
			made.files = append(made.files, file)
		}
	}
	var err error
	if made.certificate, err = c.reveal(); err != nil {
		made.problem = &v1.Problem{
			Reason: v1.InvalidManifest, Object: v1.Key{Kind: v1.KindCertificate, Name: c.Name}, Origin: c.at(err),
			Message: err.Error(), Fix: "see that the daemon can read a certificate and its own key there, in PEM",
		}
		if _, unset := errors.AsType[unsetError](err); unset {
			made.problem.Fix = SecretRemedy(err)
		}
	}
	return made
}
