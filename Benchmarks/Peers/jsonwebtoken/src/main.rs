// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The BearerGuard authors

//! Rust's jsonwebtoken (Debian's librust-jsonwebtoken-dev) on the same token: header, key by kid, algorithm, signature,
//! iss, aud, exp, scope; prints seconds a token.

use jsonwebtoken::{decode, decode_header, jwk::JwkSet, Algorithm, DecodingKey, Validation};
use std::{collections::HashMap, env, error::Error, fs, str::FromStr, time::Instant};

#[derive(serde::Deserialize)]
struct Claims {
    scp: Vec<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().collect();
    let token = fs::read_to_string(&arguments[1])?;
    let set: JwkSet = serde_json::from_str(&fs::read_to_string(&arguments[2])?)?;
    let mut keys = HashMap::new();
    for key in &set.keys {
        if let Some(id) = &key.common.key_id {
            keys.insert(id.clone(), DecodingKey::from_jwk(key)?);
        }
    }
    let mut validation = Validation::new(Algorithm::from_str(&arguments[5])?);
    validation.set_issuer(&[&arguments[3]]);
    validation.set_audience(&[&arguments[4]]);
    let repetitions: u32 = arguments[6].parse()?;
    let verify = || -> Result<(), Box<dyn Error>> {
        let id = decode_header(&token)?.kid.ok_or("no kid")?;
        let key = keys.get(&id).ok_or("unknown kid")?;
        let claims = decode::<Claims>(&token, key, &validation)?.claims;
        if claims.scp.iter().any(|scope| scope == "orders:read") { Ok(()) } else { Err("wrong scope".into()) }
    };
    verify()?;
    let start = Instant::now();
    for _ in 0..repetitions {
        verify()?;
    }
    println!("{:.12} Debian", start.elapsed().as_secs_f64() / f64::from(repetitions));
    Ok(())
}
