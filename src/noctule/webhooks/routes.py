"""The routes of the webhooks tag: wire in, service, wire out."""

from typing import Annotated

from fastapi import APIRouter, Query

from noctule.kit.paging import Page
from noctule.kit.web import CallerDep, PageParams, PaginatedResponse
from noctule.webhooks.service import DeliveryState, WebhookService
from noctule.webhooks.wire import (
    WebhookCreateRequest,
    WebhookDeletedResponse,
    WebhookDeliveryResponse,
    WebhookMessageResponse,
    WebhookRedeliveredResponse,
    WebhookResponse,
    WebhookSecretResponse,
    WebhookUpdateRequest,
)


def router(service: WebhookService) -> APIRouter:
    """The webhooks tag over ``service``."""
    routes = APIRouter(tags=["webhooks"])

    @routes.post("/usage/webhooks", operation_id="webhook_create", summary="Webhook Create")
    async def create(caller: CallerDep, body: WebhookCreateRequest) -> WebhookSecretResponse:
        """Add an endpoint. The answer holds the secret that signs what is sent there; it is shown this once."""
        made = await service.create(
            caller.workspace_id,
            body.url,
            types=body.types,
            description=body.description,
            idempotency_key=caller.idempotency_key,
        )
        return WebhookSecretResponse.of_new(made)

    @routes.get("/usage/webhooks", operation_id="webhook_list", summary="Webhook List")
    async def list_(caller: CallerDep, params: PageParams) -> PaginatedResponse[WebhookResponse]:
        """The workspace's endpoints, newest first.

        Endpoints belong to the workspace, and disabled ones must be seen: both filters change nothing.
        """
        found = await service.page(caller.workspace_id, params.query)
        items = tuple(WebhookResponse.of(view) for view in found.items)
        return PaginatedResponse[WebhookResponse].of(Page(items, found.page, found.page_size, found.has_next))

    @routes.get("/usage/webhooks/{endpoint_id}", operation_id="webhook_get", summary="Webhook Get")
    async def get(caller: CallerDep, endpoint_id: str) -> WebhookResponse:
        """One endpoint, and how many deliveries wait or were given up."""
        return WebhookResponse.of(await service.get(caller.workspace_id, endpoint_id))

    @routes.patch("/usage/webhooks/{endpoint_id}", operation_id="webhook_update", summary="Webhook Update")
    async def update(caller: CallerDep, endpoint_id: str, body: WebhookUpdateRequest) -> WebhookResponse:
        """Change an endpoint. Disabling it makes what is on its way there dead letters."""
        return WebhookResponse.of(await service.update(caller.workspace_id, endpoint_id, body.to_wish()))

    @routes.delete("/usage/webhooks/{endpoint_id}", operation_id="webhook_delete", summary="Webhook Delete")
    async def delete(caller: CallerDep, endpoint_id: str) -> WebhookDeletedResponse:
        """Delete an endpoint with all its deliveries."""
        deleted = await service.delete(caller.workspace_id, endpoint_id)
        return WebhookDeletedResponse(endpoint_id=deleted.id)

    @routes.post("/usage/webhooks/{endpoint_id}/rotate", operation_id="webhook_rotate", summary="Webhook Rotate")
    async def rotate(caller: CallerDep, endpoint_id: str) -> WebhookSecretResponse:
        """Give an endpoint a new secret. For 24 hours the old one signs too, so that nothing is missed."""
        return WebhookSecretResponse.of_new(await service.rotate(caller.workspace_id, endpoint_id))

    @routes.post("/usage/webhooks/{endpoint_id}/test", operation_id="webhook_test", summary="Webhook Test")
    async def test(caller: CallerDep, endpoint_id: str) -> WebhookDeliveryResponse:
        """Send a `webhook.test` to an endpoint, whatever types it wants."""
        sent = await service.deliveries.test(caller.workspace_id, endpoint_id, idempotency_key=caller.idempotency_key)
        return WebhookDeliveryResponse.of(sent)

    @routes.post(
        "/usage/webhooks/{endpoint_id}/redeliver",
        operation_id="webhook_redeliver_dead",
        summary="Webhook Redeliver Dead",
    )
    async def redeliver_dead(caller: CallerDep, endpoint_id: str) -> WebhookRedeliveredResponse:
        """Send every dead letter of an endpoint again."""
        count = await service.deliveries.redeliver_dead(caller.workspace_id, endpoint_id)
        return WebhookRedeliveredResponse(redelivered=count)

    @routes.get(
        "/usage/webhooks/{endpoint_id}/deliveries", operation_id="webhook_deliveries", summary="Webhook Deliveries"
    )
    async def deliveries(
        caller: CallerDep,
        endpoint_id: str,
        params: PageParams,
        state: Annotated[DeliveryState | None, Query(description="Only deliveries in this state; dead, say.")] = None,
    ) -> PaginatedResponse[WebhookDeliveryResponse]:
        """What was sent to an endpoint, newest messages first; only `state` filters."""
        found = await service.deliveries.page(caller.workspace_id, params.query, endpoint_id=endpoint_id, state=state)
        items = tuple(WebhookDeliveryResponse.of(delivery) for delivery in found.items)
        return PaginatedResponse[WebhookDeliveryResponse].of(Page(items, found.page, found.page_size, found.has_next))

    @routes.get(
        "/usage/webhooks/{endpoint_id}/deliveries/{message_id}",
        operation_id="webhook_delivery_get",
        summary="Webhook Delivery Get",
    )
    async def delivery(caller: CallerDep, endpoint_id: str, message_id: str) -> WebhookMessageResponse:
        """One delivery with the message that it carries."""
        return WebhookMessageResponse.of(await service.deliveries.get(caller.workspace_id, endpoint_id, message_id))

    @routes.post(
        "/usage/webhooks/{endpoint_id}/deliveries/{message_id}/redeliver",
        operation_id="webhook_redeliver",
        summary="Webhook Redeliver",
    )
    async def redeliver(caller: CallerDep, endpoint_id: str, message_id: str) -> WebhookDeliveryResponse:
        """Send one message again, whatever became of it."""
        return WebhookDeliveryResponse.of(
            await service.deliveries.redeliver(caller.workspace_id, endpoint_id, message_id)
        )

    return routes
