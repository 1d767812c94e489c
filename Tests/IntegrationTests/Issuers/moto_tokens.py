# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The BearerGuard authors
"""A Cognito user pool of moto's at the port of the first argument, and the tokens of a user who signs in.

Prints one JSON object: pool, client and tokens.
"""
import json
import sys

import boto3

cognito = boto3.client(
    "cognito-idp",
    endpoint_url=f"http://127.0.0.1:{sys.argv[1]}",
    region_name="us-east-1",
    aws_access_key_id="none",
    aws_secret_access_key="none",
)
pool = cognito.create_user_pool(PoolName="orders")["UserPool"]["Id"]
client = cognito.create_user_pool_client(
    UserPoolId=pool, ClientName="web", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
)["UserPoolClient"]["ClientId"]
cognito.create_group(UserPoolId=pool, GroupName="clerks")
cognito.admin_create_user(UserPoolId=pool, Username="alice")
cognito.admin_set_user_password(UserPoolId=pool, Username="alice", Password="Wonderland-2026", Permanent=True)
cognito.admin_add_user_to_group(UserPoolId=pool, Username="alice", GroupName="clerks")
answer = cognito.initiate_auth(
    ClientId=client,
    AuthFlow="USER_PASSWORD_AUTH",
    AuthParameters={"USERNAME": "alice", "PASSWORD": "Wonderland-2026"},
)["AuthenticationResult"]
print(json.dumps({"pool": pool, "client": client, "access": answer["AccessToken"], "id": answer["IdToken"]}))
