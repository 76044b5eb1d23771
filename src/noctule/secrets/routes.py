"""The routes of the secrets tag: wire in, service, wire out."""

from typing import Annotated

from fastapi import APIRouter, Query, Response, status

from noctule.kit.web import CallerDep
from noctule.secrets.service import SecretNamespace, SecretService
from noctule.secrets.wire import SecretListResponse, SecretMetadata, SecretStoreRequest, SecretValueResponse


def router(service: SecretService) -> APIRouter:
    """The secrets tag over ``service``."""
    routes = APIRouter(tags=["secrets"], prefix="/secrets")

    @routes.get("", operation_id="list_secrets", summary="List Secrets")
    async def list_(
        caller: CallerDep,
        namespace: Annotated[SecretNamespace | None, Query(description="Only the secrets of this namespace.")] = None,
    ) -> SecretListResponse:
        """The workspace's secrets by name, without their values."""
        found = await service.list(caller.workspace_id, namespace)
        return SecretListResponse(items=[SecretMetadata.of(secret) for secret in found])

    @routes.post("", operation_id="store_secret", summary="Store Secret", status_code=status.HTTP_201_CREATED)
    async def store(caller: CallerDep, body: SecretStoreRequest) -> SecretMetadata:
        """Keep a value under a name, in place of the one that was there."""
        return SecretMetadata.of(await service.store(caller.workspace_id, body.namespace, body.name, body.value))

    @routes.get("/{name}", operation_id="get_secret", summary="Get Secret")
    async def get(
        caller: CallerDep,
        response: Response,
        name: str,
        namespace: Annotated[SecretNamespace, Query(description="The namespace that the name is in.")],
    ) -> SecretValueResponse:
        """The value under a name."""
        value = await service.value(caller.workspace_id, namespace, name)
        response.headers["cache-control"] = "no-store"
        return SecretValueResponse(value=value)

    @routes.delete(
        "/{secret_id}",
        operation_id="delete_secret",
        summary="Delete Secret",
        status_code=status.HTTP_204_NO_CONTENT,
    )
    async def delete(caller: CallerDep, secret_id: str) -> None:
        """Forget a secret, by its id."""
        await service.delete(caller.workspace_id, secret_id)

    return routes
