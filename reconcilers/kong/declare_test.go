package kong

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/internal/testca"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

type body = map[string]any

// on is a reference.
func on(field string, kind v1.Kind, name string) v1.EntityRef {
	return v1.EntityRef{Field: field, Kind: kind, Name: name}
}

// entity is one that stands in line n of kong.yaml.
func anEntity(kind v1.Kind, name string, b body, refs ...v1.EntityRef) v1.Entity {
	return v1.Entity{Kind: kind, Name: name, Body: b, Refs: refs, Origin: v1.Origin{File: "kong.yaml", Line: len(name), Column: 1}}
}

// pair makes a self-signed certificate and its key.
func pair(t *testing.T) (cert, key string) {
	t.Helper()
	return testca.SelfSigned(t, x509.Certificate{
		Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true, DNSNames: []string{"a.test", "*.b.test"},
	})
}

// everything is one entity of every kind that the stand-in knows; secrets hold the word.
func everything(t *testing.T, word string) v1.Shared {
	t.Helper()
	cert, key := pair(t)
	secret := func(what string) v1.Secret { return v1.NewSecret(word + "-" + what) }
	alice := on("consumer", v1.KindConsumer, "alice")
	return v1.Shared{
		Certificates: []v1.Certificate{{Name: "shop", Chain: cert, Key: v1.NewSecret(key)}},
		Entities: []v1.Entity{
			anEntity("vault", "my-env", body{"prefix": "my-env", "name": "env", "config": body{"prefix": "K_"}}),
			anEntity("key_set", "set", body{"name": "set"}),
			anEntity("key", "set/one", body{"name": "one", "kid": "one", "jwk": secret("jwk")}, on("set", "key_set", "set")),
			anEntity("ca_certificate", "ca", body{"cert": cert}),
			anEntity(v1.KindCertificate, "cert", body{"cert": cert, "key": v1.NewSecret(key)}),
			anEntity(v1.KindSNI, "c.test", body{"name": "c.test"}, on("certificate", v1.KindCertificate, "cert")),
			anEntity(v1.KindConsumer, "alice", body{"username": "alice", "custom_id": "a-1", "tags": []any{"staff"}}),
			anEntity(v1.KindKeyAuth, "alice/", body{"key": secret("key")}, alice),
			anEntity("basicauth_credential", "alice/alice", body{"username": "alice", "password": secret("password")}, alice),
			anEntity("hmacauth_credential", "alice/alice", body{"username": "alice", "secret": secret("hmac")}, alice),
			anEntity("jwt_secret", "alice/iss", body{"key": "iss", "secret": secret("jwt")}, alice),
			anEntity("oauth2_credential", "alice/app", body{"name": "app", "client_id": "id", "client_secret": secret("client"), "redirect_uris": []any{"https://a.test"}}, alice),
			anEntity("acl", "alice/staff", body{"group": "staff"}, alice),
			anEntity(v1.KindUpstream, "up", body{"name": "up", "healthchecks": body{"active": body{"unhealthy": body{"interval": 5}}}}),
			anEntity(v1.KindTarget, "up/10.0.0.9", body{"target": "10.0.0.9", "weight": 7}, on("upstream", v1.KindUpstream, "up")),
			anEntity(v1.KindService, "legacy", body{"name": "legacy", "url": "https://up:8443/base"}),
			anEntity(v1.KindRoute, "legacy", body{"name": "legacy", "hosts": []any{"legacy.test"}, "headers": body{"X-A": []any{"b"}}}, on("service", v1.KindService, "legacy")),
			anEntity(v1.KindPlugin, "rate-limiting", body{"name": "rate-limiting", "config": body{"minute": 60, "redis_host": "redis", "redis": body{"password": secret("redis")}}}),
			anEntity(v1.KindPlugin, "route/legacy/key-auth", body{"name": "key-auth", "instance_name": "doors"}, on("route", v1.KindRoute, "legacy")),
			anEntity(v1.KindPlugin, "service/a+consumer/alice/rate-limiting", body{"name": "rate-limiting", "config": body{"minute": 5, "redis": body{"host": secret("host")}}},
				on("service", v1.KindService, "a"), alice),
			{Kind: v1.KindConsumer, Name: "by id", ID: "7e4b0d5e-6c0f-4d8b-9c35-0f6f6e7d2a11", Body: body{"username": "by id"}},
		},
	}
}

// declare is one round over everything, with what belongs to no service.
func declare(t *testing.T, r *Reconciler, set v1.Set, shared v1.Shared) (plan.Plan, []v1.Problem) {
	t.Helper()
	observed, err := r.Observe(t.Context(), reconcilers.Scope{Fresh: true})
	if err != nil {
		t.Fatal(err)
	}
	desired, problems := r.Compile(reconcilers.Scope{}, set, shared)
	p := plan.Diff(observed, desired)
	outcomes, err := r.Apply(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	for _, outcome := range outcomes {
		if outcome.Problem != nil {
			problem := *outcome.Problem
			problem.Message = outcome.Change.Sentence() + ": " + problem.Message
			problems = append(problems, problem)
		}
	}
	return p, problems
}

func modes(t *testing.T, run func(t *testing.T, mode fakekong.Mode, k *fakekong.Kong, o Options)) {
	t.Helper()
	for _, mode := range []fakekong.Mode{fakekong.Database, fakekong.DBLess} {
		t.Run(string(mode), func(t *testing.T) {
			k := start(t, fakekong.Options{Mode: mode})
			run(t, mode, k, options(k.AdminURL))
		})
	}
}

func sentences(p plan.Plan) string {
	var out strings.Builder
	for _, change := range p.Changes {
		fmt.Fprintln(&out, change.Sentence())
	}
	return out.String()
}
